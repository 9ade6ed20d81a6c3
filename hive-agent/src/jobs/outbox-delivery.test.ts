import { EventLog } from "@rbee/job-core";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { NodeSql } from "../storage/node-sql.ts";
import { Journal } from "./journal.ts";
import { Outbox } from "./outbox.ts";
import { framesOf, op, write } from "./testing.ts";

type Frame = { t: "lane_hello" } | { t: "ev"; first: number; items: string[] } | { t: "end"; final: number };
type Answer = { t: "ready" | "ack"; acked: number };

type Step =
  | { do: "add"; count: number }
  | { do: "deliver" | "answer"; count: number }
  | { do: "write" | "pull" | "commit" | "cut" | "crash" | "evict" | "lose" };

const steps = fc.array(
  fc.oneof<fc.Arbitrary<Step>[]>(
    fc.record({ do: fc.constant("add" as const), count: fc.integer({ min: 1, max: 700 }) }),
    fc.record({ do: fc.constantFrom("deliver", "answer"), count: fc.integer({ min: 1, max: 8 }) }),
    fc.record({ do: fc.constantFrom("write", "pull", "commit", "cut", "crash", "evict", "lose") }),
  ),
  { maxLength: 80 },
);

/**
 * A hive and a queen, each with its real log, and a line between them with frames under way in both directions, which
 * are gone when it breaks. The queen often has more than the hive knows of: what it says twice she drops.
 */
class World {
  static readonly TOTAL = 2_000;
  readonly #hiveSql = new NodeSql(":memory:");
  readonly #queenSql = new NodeSql(":memory:");
  #journal = new Journal(this.#hiveSql);
  #outbox = new Outbox(this.#journal, this.#journal.begin(op()));
  log = EventLog.create(this.#queenSql);
  #up: Frame[] = [];
  #down: Answer[] = [];
  #confirmed = false;
  ended = false;

  constructor() {
    this.log.begin(1);
    this.#connect();
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
        this.#up.push(...(framesOf(this.#outbox) as Frame[]));
        return;
      case "deliver":
        for (const frame of this.#up.splice(0, step.count)) this.#hear(frame);
        return;
      case "answer":
        for (const answer of this.#down.splice(0, step.count)) this.#take(answer);
        return;
      case "commit":
        this.log.commit();
        this.#down.push({ t: "ack", acked: this.log.acked });
        return;
      case "cut":
        return this.#connect();
      case "crash":
        this.#journal = new Journal(this.#hiveSql);
        this.#outbox = new Outbox(this.#journal, this.#journal.recover("boot")[0]!);
        this.#added = this.#outbox.tokens;
        return this.#connect();
      case "evict":
        // Her memory is gone, the line is not: what follows is a gap.
        this.log = EventLog.open(this.#queenSql);
        this.log.begin(1);
        return;
      case "lose":
        if (this.#up[0]?.t !== "lane_hello") this.#up.shift();
        return;
    }
  }

  /** As the lane does: hello and all there is, at once. */
  #connect(): void {
    this.#down = [];
    this.#outbox.unready();
    this.#outbox.begin();
    this.#confirmed = false;
    this.#up = [{ t: "lane_hello" }, ...(framesOf(this.#outbox) as Frame[])];
  }

  #hear(frame: Frame): void {
    const ready = () => this.#down.push({ t: "ready", acked: this.log.acked });
    if (frame.t === "lane_hello") ready();
    else if (frame.t === "ev") {
      if (this.log.offer(frame.first, frame.items).kind === "gap") ready();
    } else if (this.log.last < frame.final) ready();
    else {
      this.log.commit();
      this.ended = true;
    }
  }

  #take({ t, acked }: Answer): void {
    if (t === "ack") return this.#outbox.ack(acked);
    expect(this.#confirmed ? this.#outbox.ready(acked) : this.#outbox.confirm(acked)).toBe(true);
    this.#confirmed = true;
  }

  finish(): string[] {
    for (let round = 0; round < 40 && !this.ended; round++) {
      this.step({ do: "write" });
      this.step({ do: "pull" });
      this.step({ do: "deliver", count: Infinity });
      this.step({ do: "commit" });
      this.step({ do: "answer", count: Infinity });
      this.step({ do: "add", count: 500 });
      // Nothing follows what was lost last: the lane asks for the position.
      if (round % 3 === 2) this.#up.push({ t: "lane_hello" });
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
