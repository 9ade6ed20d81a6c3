import { Events, limits, type PackedEvent } from "@rbee/contracts";
import { EventLog, type Sql } from "@rbee/job-core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NodeSql } from "../storage/node-sql.ts";
import { Journal } from "./journal.ts";
import { Outbox } from "./outbox.ts";
import { op } from "./testing.ts";

function write(journal: Journal, outbox: Outbox): void {
  journal.batch(() => outbox.write());
  outbox.written();
}

function begin(sql: Sql = new NodeSql(":memory:")): { journal: Journal; outbox: Outbox } {
  const journal = new Journal(sql);
  return { journal, outbox: new Outbox(journal, journal.begin(op())) };
}

const framesOf = (outbox: Outbox): { t: string; first?: number; items?: PackedEvent[]; final?: number }[] => {
  const frames = [];
  for (let frame = outbox.next(); frame !== undefined; frame = outbox.next()) frames.push(JSON.parse(frame));
  return frames;
};

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

type Step =
  | { do: "add"; count: number }
  | { do: "write" | "pull" | "deliver" | "acks" | "commit" | "cut" | "crash" | "evict" };

const steps = fc.array(
  fc.oneof<fc.Arbitrary<Step>[]>(
    fc.record({ do: fc.constant("add" as const), count: fc.integer({ min: 1, max: 700 }) }),
    fc.record({ do: fc.constantFrom("write", "pull", "deliver", "acks", "commit", "cut", "crash", "evict") }),
  ),
  { maxLength: 60 },
);

/** A hive and a queen, each with its real log, and a line between them that loses what is on it when it breaks. */
class World {
  static readonly TOTAL = 2_000;
  readonly #hiveSql = new NodeSql(":memory:");
  readonly #queenSql = new NodeSql(":memory:");
  #journal = new Journal(this.#hiveSql);
  #outbox = new Outbox(this.#journal, this.#journal.begin(op()));
  log = new EventLog(this.#queenSql);
  #up: string[] = [];
  #down: number[] = [];
  ended = false;

  constructor() {
    this.log.begin(1);
    this.#outbox.ready(0);
  }

  /** The handler is deterministic: token n says n. After a crash it goes on behind what was journaled. */
  #added = 0;

  step(step: Step): void {
    switch (step.do) {
      case "add":
        for (let n = 0; n < step.count && this.#added < World.TOTAL; n++) this.#outbox.add(`${++this.#added}`);
        if (this.#added === World.TOTAL) this.#outbox.finish({ status: "succeeded", result: {} });
        return;
      case "write":
        return write(this.#journal, this.#outbox);
      case "pull":
        for (let frame = this.#outbox.next(); frame !== undefined; frame = this.#outbox.next()) this.#up.push(frame);
        return;
      case "deliver":
        return this.#deliver();
      case "acks":
        for (const acked of this.#down.splice(0)) this.#outbox.ack(acked);
        return;
      case "commit":
        this.log.commit();
        this.#down.push(this.log.acked);
        return;
      case "cut":
        return this.#reconnect();
      case "crash":
        this.#journal = new Journal(this.#hiveSql);
        this.#outbox = new Outbox(this.#journal, this.#journal.recover("boot")[0]!);
        this.#added = this.#outbox.tokens;
        return this.#reconnect();
      case "evict":
        this.log = new EventLog(this.#queenSql);
        this.log.begin(1);
        return this.#reconnect();
    }
  }

  #deliver(): void {
    for (const text of this.#up.splice(0)) {
      const frame = JSON.parse(text) as { t: string; first: number; items: string[]; final: number };
      if (frame.t === "ev") {
        if (this.log.offer(frame.first, frame.items).kind === "gap") this.#outbox.ready(this.log.acked);
      } else if (this.log.last < frame.final) this.#outbox.ready(this.log.acked);
      else {
        this.log.commit();
        this.ended = true;
      }
    }
  }

  #reconnect(): void {
    this.#up = [];
    this.#down = [];
    this.#outbox.unready();
    expect(this.#outbox.ready(this.log.acked)).toBe(true);
  }

  finish(): string[] {
    for (let round = 0; round < 40 && !this.ended; round++) {
      for (const what of ["write", "pull", "deliver", "commit", "acks"] as const) this.step({ do: what });
      this.step({ do: "add", count: 500 });
    }
    return [...this.log.after({ term: 0, seq: 0 })].map(({ event }) => (event.type === "token" ? event.text : "?"));
  }
}

test("[AGENT-2] [AGENT-6] whatever breaks in between, the queen has every event exactly once and in order", () => {
  const all = Array.from({ length: World.TOTAL }, (_, n) => `${n + 1}`);
  fc.assert(
    fc.property(steps, (steps) => {
      const world = new World();
      for (const step of steps) world.step(step);
      expect(world.finish()).toEqual(all);
      expect(world.ended).toBe(true);
    }),
    { numRuns: 150 },
  );
});
