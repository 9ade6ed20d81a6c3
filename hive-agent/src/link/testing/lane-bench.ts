import { limits } from "@rbee/contracts";
import type { Sql } from "@rbee/job-core";
import type { HiveHandlers } from "../../jobs/handler.ts";
import { Jobs } from "../../jobs/jobs.ts";
import { Journal } from "../../jobs/journal.ts";
import { op } from "../../jobs/testing.ts";
import { silentLog } from "../../log.ts";
import { NodeSql } from "../../storage/node-sql.ts";
import { FakeDial } from "./fake-line.ts";
import { ManualClock } from "./manual-clock.ts";

/** Jobs with their lanes, without a network and with a clock that the test moves. */
export class LaneBench {
  readonly clock = new ManualClock();
  readonly dial = new FakeDial();
  readonly jobs: Jobs;
  /** Whether the control connection is up. If not, everything goes over the lane. */
  control = false;
  /** What was said on it. */
  readonly said: unknown[] = [];

  constructor(handlers: HiveHandlers, sql: Sql = new NodeSql(":memory:")) {
    this.jobs = new Jobs({
      queen_url: "https://queen.example/",
      dial: this.dial.dial,
      clock: this.clock,
      log: silentLog,
      journal: new Journal(sql),
      handlers,
      sync: () => undefined,
      say: (frame) => {
        if (this.control) this.said.push(JSON.parse(frame));
        return this.control;
      },
    });
  }

  /** Takes the operation and dials its lane. */
  begin(term = 1): void {
    this.jobs.op(op(term));
    this.clock.advance(limits.prelude_wait_ms);
  }

  /** A job whose lane the queen has made ready. */
  static running(handlers: HiveHandlers): LaneBench {
    const bench = new LaneBench(handlers);
    bench.begin();
    bench.open(0);
    bench.dial.last.take();
    return bench;
  }

  open(acked: number): void {
    this.dial.last.open();
    this.dial.last.say({ t: "ready", acked });
  }

  /** Types of the frames sent since the last call. */
  kinds(): string[] {
    return this.dial.last.take().map(({ t }) => t);
  }

  /** The same, message by message. */
  messages(): string[][] {
    return this.dial.last.messages().map((frames) => frames.map(({ t }) => t));
  }
}
