import { expect, test } from "vitest";
import { EventLog } from "./event-log.ts";
import { origin, type Position } from "./position.ts";
import type { Sql } from "./sql.ts";

/** Where a log begins and where it is found again: a database of its own, or among others. */
export interface LogPlace {
  readonly create: (sql: Sql) => EventLog;
  readonly open: (sql: Sql) => EventLog;
}

const ownDatabase: LogPlace = { create: (sql) => EventLog.create(sql), open: (sql) => EventLog.open(sql) };

/** What an event log must do, whatever SQL it stands on. `withSql` runs the work on an empty database. */
export function eventLogSuite(
  withSql: (work: (sql: Sql) => void) => Promise<void>,
  { create, open }: LogPlace = ownDatabase,
): void {
  const texts = (log: EventLog, after: Position = origin) =>
    [...log.after(after)].map(({ event }) => (event.type === "token" ? event.text : event.type)).join("");

  test("[LOG-1] events that are already there are dropped, the rest of the frame is kept", () =>
    withSql((sql) => {
      const log = create(sql);
      log.begin(1);
      log.offer(1, ["a", "b"]);
      expect(log.offer(1, ["a", "b"])).toEqual({ kind: "fresh", entries: [] });
      expect(log.offer(2, ["b", "c"])).toMatchObject({ entries: [{ position: { term: 1, seq: 3 } }] });
      log.commit();
      log.offer(3, ["c", "d"]);
      expect(texts(log)).toBe("abcd");
    }));

  test("[LOG-2] a frame behind a gap is not taken", () =>
    withSql((sql) => {
      const log = create(sql);
      log.begin(1);
      log.offer(1, ["a"]);
      expect(log.offer(3, ["c"])).toEqual({ kind: "gap" });
      expect(log.last).toBe(1);
    }));

  test("[LOG-3] only what is committed counts as acknowledged, and it is there for the next object", () =>
    withSql((sql) => {
      const log = create(sql);
      log.begin(1);
      log.offer(1, ["a", "b"]);
      expect(log.acked).toBe(0);
      log.commit();
      log.offer(3, ["c"]);
      expect(log.acked).toBe(2);
      const again = open(sql);
      expect([again.acked, again.last, texts(again)]).toEqual([2, 2, "ab"]);
    }));

  test("[LOG-4] a new term starts at 1, keeps what was committed and forgets what was not", () =>
    withSql((sql) => {
      const log = create(sql);
      log.begin(1);
      log.offer(1, ["a"]);
      log.commit();
      log.offer(2, ["lost"]);
      log.begin(2);
      log.append([{ type: "state", state: "queued" }]);
      log.commit();
      expect(texts(log)).toBe("astate");
      expect(log.end).toEqual({ term: 2, seq: 1 });
      expect(() => log.begin(1)).toThrow("term 1 is over");
    }));

  test("[LOG-5] reading goes on behind any position, within a row, between rows and in the tail", () =>
    withSql((sql) => {
      const log = create(sql);
      log.begin(1);
      for (const chunk of [["a", "b", "c"], ["d"], ["e", "f"]]) {
        log.offer(log.last + 1, chunk);
        log.commit();
      }
      log.offer(7, ["g", "h"]);
      for (let seq = 0; seq <= 8; seq++) expect(texts(log, { term: 1, seq })).toBe("abcdefgh".slice(seq));
      expect(texts(log, { term: 0, seq: 99 })).toBe("abcdefgh");
      expect(texts(log, { term: 2, seq: 0 })).toBe("");
    }));

  test("[LOG-6] text comes back as it went in: quotes, line breaks, emoji, half of a surrogate pair", () =>
    withSql((sql) => {
      const log = create(sql);
      log.begin(1);
      const wild = ['"', "\n\r", "🐝👩‍👩‍👧", "\u2028", "\ud83d", "\u0000"];
      log.offer(1, wild);
      log.commit();
      expect([...open(sql).after(origin)].map(({ event }) => event)).toEqual(
        wild.map((text) => ({ type: "token", text })),
      );
    }));

  test("knows its newest event, and all its tokens", () =>
    withSql((sql) => {
      const log = create(sql);
      log.begin(0);
      log.append([{ type: "state", state: "queued" }]);
      expect(log.tokens()).toEqual([]);
      log.begin(1);
      log.offer(1, ["a"]);
      expect(log.tokens()).toEqual(["a"]);
      log.commit();
      expect(log.newest()).toEqual({ type: "token", text: "a" });
    }));
}
