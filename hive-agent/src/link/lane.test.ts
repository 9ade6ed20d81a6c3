import { limits, RbeeError } from "@rbee/contracts";
import type { Sql } from "@rbee/job-core";
import { beforeEach, describe, expect, test } from "vitest";
import type { HiveHandlers } from "../jobs/handler.ts";
import { Jobs } from "../jobs/jobs.ts";
import { Journal } from "../jobs/journal.ts";
import { op } from "../jobs/testing.ts";
import { silentLog } from "../log.ts";
import { NodeSql } from "../storage/node-sql.ts";
import { FakeDial } from "./testing/fake-line.ts";
import { aborted, playing, token } from "./testing/handlers.ts";
import { ManualClock } from "./testing/manual-clock.ts";

/** Lets the handlers run as far as they can. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

let clock: ManualClock;
let dial: FakeDial;
let jobs: Jobs;

function hive(handlers: HiveHandlers, sql: Sql = new NodeSql(":memory:")): void {
  jobs = new Jobs({
    queen_url: "https://queen.example/",
    dial: dial.dial,
    clock,
    log: silentLog,
    journal: new Journal(sql),
    handlers,
    sync: () => undefined,
  });
}

/** A handler that says what it is fed, until it is fed nothing more. */
function feed() {
  const waiting: ((text: string | undefined) => void)[] = [];
  const handlers = playing(async function* ({ signal }) {
    for (;;) {
      const text = await Promise.race([
        new Promise<string | undefined>((resolve) => waiting.push(resolve)),
        aborted(signal).then(() => {
          throw new RbeeError("cancelled");
        }),
      ]);
      if (text === undefined) return { models: [] };
      yield token(text);
    }
  });
  const give = async (text?: string) => {
    await settle();
    waiting.shift()?.(text);
    await settle();
  };
  return { handlers, give };
}

async function running() {
  const { handlers, give } = feed();
  hive(handlers);
  jobs.op(op());
  dial.last.open();
  dial.last.say({ t: "ready", acked: 0 });
  dial.last.take();
  return give;
}

const kinds = () => dial.last.take().map(({ t }) => t);

beforeEach(() => {
  clock = new ManualClock();
  dial = new FakeDial();
});

describe("lane", () => {
  test("[AGENT-1] the lane is dialled before the handler has said anything, with the token it was given", () => {
    hive(
      playing(async function* ({ signal }) {
        await aborted(signal);
        return { models: [] };
      }),
    );
    jobs.op(op(3));
    expect(dial.last.request).toEqual({
      url: `wss://queen.example/v1/lanes/${op().job_id}?term=3`,
      headers: { authorization: "Bearer token" },
    });
    dial.last.open();
    expect(dial.last.take()).toEqual([{ t: "lane_hello", last: 0 }]);
  });

  test("[AGENT-9] what is ready together goes out together: a whole short job in one turn", async () => {
    hive(
      playing(async function* () {
        yield token("a");
        yield token("b");
        return { models: [] };
      }),
    );
    jobs.op(op());
    await settle();
    clock.advance(0);
    dial.last.open();
    dial.last.say({ t: "ready", acked: 0 });
    expect(dial.last.take()).toEqual([
      { t: "lane_hello", last: 2 },
      { t: "ev", first: 1, items: ["a", "b"] },
      { t: "end", final: 2, outcome: { status: "succeeded", result: { models: [] } } },
    ]);
    dial.last.say({ t: "end_ack" });
    expect([dial.last.state, jobs.held]).toEqual(["closed", []]);
  });

  test("[AGENT-9] the first token goes at once, later ones are gathered for the window", async () => {
    const give = await running();
    await give("a");
    clock.advance(0);
    expect(kinds()).toEqual(["ev"]);
    await give("b");
    clock.advance(1);
    await give("c");
    expect(kinds()).toEqual([]);
    clock.advance(limits.coalesce_min_ms);
    expect(dial.last.take()).toEqual([{ t: "ev", first: 2, items: ["b", "c"] }]);
    clock.advance(limits.coalesce_min_ms);
    await give("after a silence");
    clock.advance(0);
    expect(kinds()).toEqual(["ev"]);
    await give();
    clock.advance(0);
    expect(kinds()).toEqual(["end"]);
  });

  test("[AGENT-17] when nothing follows, the queen is asked to commit; if that brings nothing, where to go on", async () => {
    const give = await running();
    await give("a");
    clock.advance(0);
    kinds();
    clock.advance(limits.commit_idle_ms);
    expect(kinds()).toEqual(["flush"]);
    clock.advance(limits.commit_idle_ms);
    expect(kinds()).toEqual(["lane_hello"]);
    dial.last.say({ t: "ready", acked: 0 });
    expect(dial.last.take()).toEqual([{ t: "ev", first: 1, items: ["a"] }]);
    dial.last.say({ t: "ack", acked: 1 });
    clock.advance(3 * limits.commit_idle_ms);
    expect(kinds()).toEqual([]);
  });

  test("[AGENT-10] pings renew the lease; a queen that was not heard for most of it gets nothing until she says ready again", async () => {
    const give = await running();
    await give("a");
    clock.advance(0);
    dial.last.say({ t: "ack", acked: 1 });
    clock.advance(limits.lane_ping_ms);
    expect(kinds()).toContain("ping");
    dial.last.say("pong");
    const old = dial.last;
    old.take();
    // The process is stopped for a minute. What it reads first was said long ago, and its first act is to say a token.
    clock.freeze(60_000);
    old.say({ t: "ack", acked: 1 });
    expect(old.state).toBe("terminated");
    old.break();
    await give("zombie");
    clock.advance(0);
    expect(old.sent.filter((text) => text.includes("zombie"))).toEqual([]);
    expect(old.state).toBe("terminated");
    clock.advance(limits.lane_reconnect_max_ms);
    expect(dial.last).not.toBe(old);
    dial.last.open();
    dial.last.say({ t: "ready", acked: 1 });
    expect(dial.last.take()).toEqual([
      { t: "lane_hello", last: 2 },
      { t: "ev", first: 2, items: ["zombie"] },
    ]);
  });

  test("[AGENT-10] pings go on for as long as they are answered", async () => {
    await running();
    for (let round = 0; round < 5; round++) {
      clock.advance(limits.lane_ping_ms);
      expect(kinds()).toEqual(["ping"]);
      dial.last.say("pong");
    }
    const line = dial.last;
    clock.advance(limits.lease_ms);
    expect(line.state).toBe("terminated");
  });

  test("[AGENT-6] nothing is sent on a new line before the queen said where to start; the old line is nobody any more", async () => {
    const give = await running();
    const old = dial.last;
    old.break();
    clock.advance(limits.lane_reconnect_max_ms);
    dial.last.open();
    await give("a");
    clock.advance(0);
    expect(kinds()).toEqual(["lane_hello"]);
    old.say({ t: "ready", acked: 0 });
    old.break();
    expect(kinds()).toEqual([]);
    dial.last.say({ t: "ready", acked: 0 });
    expect(kinds()).toEqual(["ev"]);
    expect(dial.lines.length).toBe(2);
  });

  test("[AGENT-7] [AGENT-8] a handler that never pauses is held at a window; a full window asks for an acknowledgement", async () => {
    let produced = 0;
    hive(
      playing(async function* () {
        while (produced < 10_000) {
          produced += 1;
          yield token("x");
        }
        return { models: [] };
      }),
    );
    jobs.op(op());
    await settle();
    expect(produced).toBe(limits.lane_window_events);
    dial.last.open();
    dial.last.say({ t: "ready", acked: 0 });
    clock.advance(0);
    await settle();
    clock.advance(limits.coalesce_max_ms);
    expect(kinds()).toEqual(["lane_hello", "ev", "ev", "flush"]);
  });

  test("[AGENT-2] a journal that cannot be written is tried again; nothing leaves before", async () => {
    const sql = new NodeSql(":memory:");
    let broken = false;
    const flaky: Sql = {
      exec: (query, ...bindings) => sql.exec(query, ...bindings),
      transaction: (work) => {
        if (broken) throw new Error("disk full");
        return sql.transaction(work);
      },
    };
    const { handlers, give } = feed();
    hive(handlers, flaky);
    jobs.op(op());
    dial.last.open();
    dial.last.say({ t: "ready", acked: 0 });
    broken = true;
    await give("a");
    clock.advance(0);
    expect(kinds()).toEqual(["lane_hello"]);
    broken = false;
    clock.advance(limits.journal_retry_ms);
    expect(kinds()).toEqual(["ev"]);
  });

  test("[AGENT-3] an operation of an earlier term is ignored", async () => {
    const { handlers } = feed();
    hive(handlers);
    jobs.op(op(3));
    jobs.op(op(1));
    expect(jobs.held).toEqual([{ job_id: op().job_id, term: 3 }]);
    expect(dial.lines.length).toBe(1);
  });

  test("[AGENT-11] a handler that does not stop is left behind when the grace is over", async () => {
    hive(
      playing(async function* () {
        await new Promise(() => {});
        yield token("never");
        return { models: [] };
      }),
    );
    jobs.op(op());
    dial.last.open();
    dial.last.say({ t: "ready", acked: 0 });
    dial.last.take();
    dial.last.say({ t: "cancel" });
    clock.advance(limits.cancel_grace_ms - 1);
    expect(kinds()).toEqual([]);
    clock.advance(1);
    expect(dial.last.take()).toContainEqual({ t: "end", final: 0, outcome: { status: "cancelled" } });
  });

  test("[AGENT-13] the lane dials until the queen's answer is final", () => {
    hive(
      playing(async function* ({ signal }) {
        await aborted(signal);
        return { models: [] };
      }),
    );
    jobs.op(op());
    for (const closed of [{ status: 503 }, { code: 1012 }, { code: 1006 }]) {
      const before = dial.lines.length;
      dial.last.break(closed);
      clock.advance(2 * limits.lane_reconnect_max_ms);
      expect(dial.lines.length).toBe(before + 1);
    }
    dial.last.break({ status: 410 });
    clock.advance(2 * limits.lane_reconnect_max_ms);
    expect([dial.lines.length, jobs.held]).toEqual([4, []]);
  });

  test("[AGENT-6] a queen whose log is ahead of the journal gets the job back", async () => {
    const give = await running();
    await give("a");
    clock.advance(0);
    dial.last.break();
    clock.advance(limits.lane_reconnect_max_ms);
    dial.last.open();
    dial.last.say({ t: "ready", acked: 7 });
    clock.advance(0);
    expect(dial.last.take()).toMatchObject([
      { t: "lane_hello", last: 1 },
      { t: "end", outcome: { status: "refused", error: { code: "hive_lost" } } },
    ]);
  });

  test("[AGENT-14] a lane that waits is dialled when the control connection is back", () => {
    hive(
      playing(async function* ({ signal }) {
        await aborted(signal);
        return { models: [] };
      }),
    );
    jobs.op(op());
    dial.last.break();
    expect(dial.lines.length).toBe(1);
    jobs.nudge();
    expect(dial.lines.length).toBe(2);
  });
});
