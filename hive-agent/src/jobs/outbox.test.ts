import { Events, limits } from "@rbee/contracts";
import type { Sql } from "@rbee/job-core";
import { describe, expect, test } from "vitest";
import { NodeSql } from "../storage/node-sql.ts";
import { Journal } from "./journal.ts";
import { Outbox } from "./outbox.ts";
import { framesOf, op, write } from "./testing.ts";

function begin(sql: Sql = new NodeSql(":memory:")): { journal: Journal; outbox: Outbox } {
  const journal = new Journal(sql);
  return { journal, outbox: new Outbox(journal, journal.begin(op())) };
}

describe("outbox", () => {
  test("[AGENT-2] nothing leaves that is not journaled", () => {
    const { journal, outbox } = begin();
    outbox.ready(0);
    outbox.add("a");
    expect(outbox.next()).toBeUndefined();
    journal.batch(() => outbox.write());
    expect(outbox.next()).toBeUndefined();
    outbox.written();
    expect(framesOf(outbox)).toEqual([{ t: "ev", first: 1, items: ["a"] }]);
  });

  test("[AGENT-2] a transaction that failed is written again, once", () => {
    const { journal, outbox } = begin();
    outbox.ready(0);
    outbox.add("a");
    expect(() =>
      journal.batch(() => {
        outbox.write();
        throw new Error("disk full");
      }),
    ).toThrow("disk full");
    outbox.add("b");
    write(journal, outbox);
    expect(framesOf(outbox)).toEqual([{ t: "ev", first: 1, items: ["a", "b"] }]);
  });

  test("[AGENT-5] the end goes out behind the last event, with its number, and only the first one counts", () => {
    const { journal, outbox } = begin();
    outbox.ready(0);
    outbox.add("a");
    outbox.finish({ status: "cancelled" });
    outbox.finish({ status: "succeeded", result: {} });
    outbox.add("late");
    write(journal, outbox);
    expect(framesOf(outbox)).toEqual([
      { t: "ev", first: 1, items: ["a"] },
      { t: "end", final: 1, outcome: { status: "cancelled" } },
    ]);
    expect(journal.recover("b")[0]?.outcome).toEqual({ status: "cancelled" });
  });

  test("[AGENT-6] `ready` goes back to where the queen is, from the journal, and never to events that are not there", () => {
    const { journal, outbox } = begin();
    outbox.ready(0);
    for (const text of ["a", "b", "c"]) {
      outbox.add(text);
      write(journal, outbox);
    }
    expect(framesOf(outbox)).toHaveLength(3);
    expect(outbox.ready(1)).toBe(true);
    expect(framesOf(outbox).map(({ first }) => first)).toEqual([2, 3]);
    expect(outbox.ready(4)).toBe(false);
  });

  test("[AGENT-6] an acknowledgement inside a chunk keeps the chunk; behind it, sending goes on where it was", () => {
    const { journal, outbox } = begin();
    outbox.ready(0);
    for (const pair of ["ab", "cd", "ef"]) {
      for (const text of pair) outbox.add(text);
      write(journal, outbox);
    }
    framesOf(outbox);
    outbox.ack(3);
    outbox.add("g");
    write(journal, outbox);
    expect(framesOf(outbox).map(({ first }) => first)).toEqual([7]);
    const again = new Outbox(journal, journal.recover("boot")[0]!);
    again.ready(3);
    expect(framesOf(again).map(({ first }) => first)).toEqual([3, 5, 7]);
  });

  test("[AGENT-6] a line begins behind what is acknowledged; the answer to its hello trims and sends nothing back", () => {
    const { journal, outbox } = begin();
    for (const text of ["a", "b", "c"]) {
      outbox.add(text);
      write(journal, outbox);
    }
    outbox.ack(1);
    expect(outbox.next()).toBeUndefined();
    outbox.begin();
    expect(framesOf(outbox).map(({ first }) => first)).toEqual([2, 3]);
    expect(outbox.confirm(2)).toBe(true);
    expect(framesOf(outbox)).toEqual([]);
    outbox.unready();
    outbox.begin();
    expect(framesOf(outbox).map(({ first }) => first)).toEqual([3]);
    // Written since: she cannot have it.
    outbox.add("d");
    write(journal, outbox);
    expect(outbox.confirm(4)).toBe(false);
  });

  test("[AGENT-6] an end that was sent is sent again when the queen goes back", () => {
    const { journal, outbox } = begin();
    outbox.finish({ status: "cancelled" });
    write(journal, outbox);
    for (let round = 0; round < 2; round++) {
      outbox.ready(0);
      expect(framesOf(outbox).map(({ t }) => t)).toEqual(["end"]);
    }
  });

  test("[AGENT-7] un-acknowledged events are bounded by the window, in number and bytes", () => {
    const { journal, outbox } = begin();
    outbox.ready(0);
    for (let n = 0; n < 3 * limits.lane_window_events; n++) outbox.add("x");
    write(journal, outbox);
    const sent = framesOf(outbox).reduce((sum, { items = [] }) => sum + items.length, 0);
    expect(sent).toBeLessThanOrEqual(limits.lane_window_events);
    expect(sent).toBeGreaterThan(limits.lane_window_events - limits.frame_events_max);
    expect(outbox.stuck).toBe(true);
    outbox.ack(sent);
    expect(framesOf(outbox)).not.toHaveLength(0);

    const large = begin();
    large.outbox.ready(0);
    for (let n = 0; n < 20; n++) large.outbox.add("y".repeat(limits.commit_bytes));
    write(large.journal, large.outbox);
    const frames = framesOf(large.outbox);
    expect(JSON.stringify(frames).length).toBeLessThan(limits.lane_window_bytes + limits.commit_bytes);
    for (const frame of frames) expect(Events.safeParse(frame).success).toBe(true);
  });

  test("[AGENT-8] a full journal holds the handler until the queen acknowledges", async () => {
    const { journal, outbox } = begin();
    const piece = "z".repeat(limits.commit_bytes);
    while (!outbox.full) {
      outbox.add(piece);
      write(journal, outbox);
    }
    let resumed = false;
    const room = outbox.room().then(() => (resumed = true));
    await Promise.resolve();
    expect(resumed).toBe(false);
    outbox.ready(0);
    outbox.ack(4);
    await room;
    expect(outbox.full).toBe(false);
  });

  test("[AGENT-8] a handler that never pauses is held until its events are journaled", async () => {
    const { journal, outbox } = begin();
    while (!outbox.full) outbox.add("t");
    const room = outbox.room();
    write(journal, outbox);
    await room;
    expect(outbox.full).toBe(false);
  });
});
