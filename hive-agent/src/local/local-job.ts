import { limits, operationOf, problemOf, RbeeError, type Outcome, type PackedEvent } from "@rbee/contracts";
import {
  cancelling,
  endedByHive,
  endedByQueen,
  endingOf,
  EventLog,
  fateOf,
  isEnded,
  lastEventOf,
  newlyQueued,
  place,
  requeue,
  type Ended,
  type JobSpec,
  type KeptJob,
  type LogEntry,
  type Phase,
  type Placed,
} from "@rbee/job-core";
import type { Cancel, Clock } from "../clock.ts";
import type { HiveContext } from "../jobs/handler.ts";
import type { Flushed, Pump } from "../jobs/pump.ts";
import { runHandler, type Runnable, type Sink } from "../jobs/run-handler.ts";
import type { Log } from "../log.ts";
import { Readers } from "./readers.ts";
import type { LocalRecord, LocalRecords } from "./records.ts";

export interface LocalContext {
  readonly hive_id: string;
  readonly records: LocalRecords;
  readonly pump: Pump;
  readonly clock: Clock;
  readonly log: Log;
  /** The handler of an operation. @throws RbeeError unsupported */
  runnable(spec: JobSpec): Runnable;
  /** Something was written that should survive a power cut. */
  sync(): void;
  /** The job is over, and written so. */
  gone(job: LocalJob): void;
}

/**
 * A job that this machine was asked for directly, as long as it runs: no queen, so no lane and no lease, but the phases,
 * the log and the rules of rerunning are the queen's. Nobody sees an event before it is durable. [LOCAL-1]
 */
export class LocalJob implements Flushed, Sink, KeptJob {
  readonly spec: JobSpec;
  readonly readers = new Readers();
  readonly #context: LocalContext;
  readonly #abort = new AbortController();
  #log: EventLog;
  #phase: Phase;
  /** Not written yet. */
  #outcome: Outcome | undefined;
  /** In the log, and not yet shown. */
  #unshown: LogEntry[] = [];
  #tokenSeen = false;
  #halted = false;
  #grace: Cancel | undefined;
  #room: (() => void) | undefined;

  private constructor({ spec, phase }: LocalRecord, context: LocalContext) {
    this.spec = spec;
    this.#phase = phase;
    this.#context = context;
    this.#log = new EventLog(context.records.rowsOf(spec.job_id));
    this.#log.begin(phase.term);
    context.pump.join(this);
  }

  /** A new job: written, then started. [LOCAL-2] */
  static begin(spec: JobSpec, context: LocalContext): LocalJob {
    const phase = place(newlyQueued(""), { hive_id: context.hive_id }, context.clock.wall());
    context.records.add({ spec, phase });
    context.sync();
    const job = new LocalJob({ spec, phase }, context);
    job.#run(undefined);
    return job;
  }

  /**
   * A job that an earlier agent left: its handler goes on behind the tokens that are durable. When the machine itself
   * restarted, newer rows may be missing that somebody saw: then it runs anew if its row allows that. [LOCAL-3]
   */
  static resume(record: LocalRecord, context: LocalContext, rebooted: boolean): LocalJob {
    const job = new LocalJob(record, context);
    const phase = record.phase as Placed;
    const { rerun } = operationOf(record.spec.operation);
    if (phase.cancel_until !== undefined) job.#finish({ status: "cancelled" });
    else if (rerun === "never") job.#finish(lost("the agent restarted"));
    else if (!rebooted) job.#run(job.#tokensOf(phase.term));
    else job.#again(phase, fateOf(phase, rerun, { shown: job.#log.tokens().length > 0, continues: false }));
    return job;
  }

  get phase(): Phase {
    return this.#phase;
  }

  get log(): EventLog {
    return this.#log;
  }

  cancel(): void {
    if (this.#phase.state !== "placed" || this.#phase.cancel_until !== undefined || this.#outcome !== undefined) return;
    this.#move(cancelling(this.#phase, this.#context.clock.wall()));
    // A handler that does not listen must not hold the job. [LOCAL-4]
    this.#grace = this.#context.clock.after(limits.cancel_grace_ms, () => this.#finish({ status: "cancelled" }));
    this.#abort.abort(new RbeeError("cancelled"));
  }

  /** The agent stops: the job stays as it is, for the next one. */
  halt(): void {
    this.#halted = true;
    this.#context.pump.leave(this);
    this.#grace?.();
    this.#abort.abort(new RbeeError("draining"));
    this.readers.drop();
  }

  add(item: PackedEvent): void {
    if (this.#outcome !== undefined || this.#halted) return;
    const offered = this.#log.offer(this.#log.last + 1, [item]);
    if (offered.kind === "fresh") this.#unshown.push(...offered.entries);
    if (this.#tokenSeen || typeof item !== "string") return this.#context.pump.offer(this);
    this.#tokenSeen = true;
    this.#context.pump.hurry(this);
  }

  get full(): boolean {
    return this.#outcome === undefined && this.#log.tailEvents >= limits.lane_window_events;
  }

  async room(): Promise<void> {
    if (this.full) await new Promise<void>((resolve) => (this.#room = resolve));
  }

  write(): void {
    const before = this.#phase;
    if (isEnded(before)) return;
    try {
      this.#context.records.transaction(() => this.#write());
    } catch (error) {
      this.#unwritten(before);
      throw error;
    }
  }

  written(): void {
    this.#room?.();
    this.#room = undefined;
    if (!isEnded(this.#phase)) return;
    this.#context.sync();
    this.#context.pump.leave(this);
  }

  send(): void {
    this.readers.show(this.#unshown.splice(0));
    if (isEnded(this.#phase)) this.#context.gone(this);
  }

  #write(): void {
    if (this.#outcome === undefined) return this.#log.commit();
    const ended = this.#endedWith(this.#outcome);
    this.#log.begin(ended.term);
    this.#unshown.push(...this.#log.append([lastEventOf(this.#outcome)]));
    this.#log.commit();
    this.#move(ended);
  }

  /** What was not written is not true: back to what is. The handler cannot go on behind a hole. [LOCAL-5] */
  #unwritten(before: Phase): void {
    this.#log = new EventLog(this.#context.records.rowsOf(this.spec.job_id));
    this.#log.begin(before.term);
    this.#phase = before;
    this.#unshown = [];
    this.#outcome = { status: "failed", error: problemOf("journal_full", "the job could not be written to the disk") };
    this.#abort.abort(new RbeeError("journal_full"));
    this.#room?.();
  }

  #run(resumed: number | undefined): void {
    const { job_id } = this.spec;
    const { term } = this.#phase;
    const context: HiveContext = {
      job_id,
      term,
      signal: this.#abort.signal,
      // What was asked for here runs nowhere else.
      draining: new AbortController().signal,
      worker_id: undefined,
      resume: [],
      resume_after_tokens: resumed,
    };
    let runnable;
    try {
      runnable = this.#context.runnable(this.spec);
    } catch (error) {
      const problem = error instanceof RbeeError ? error.toProblem() : problemOf("internal");
      return this.#finish({ status: "failed", error: problem });
    }
    void runHandler(runnable, { context, sink: this, log: this.#context.log }).then((outcome) => {
      // What ends because it was told to is cancelled; what was done anyway is done.
      const told = this.#phase.state === "placed" && this.#phase.cancel_until !== undefined;
      this.#finish(told && outcome.status === "failed" ? { status: "cancelled" } : outcome);
    });
  }

  #again(phase: Placed, fate: ReturnType<typeof fateOf>): void {
    if (fate !== "requeue") return this.#finish(lost("the machine restarted", fate));
    const queued = requeue(phase, "the machine restarted");
    this.#move(place(queued, { hive_id: this.#context.hive_id }, this.#context.clock.wall()));
    this.#log.begin(this.#phase.term);
    this.#run(undefined);
  }

  /** The first outcome counts. */
  #finish(outcome: Outcome): void {
    this.#grace?.();
    if (this.#outcome !== undefined || this.#halted) return;
    this.#outcome = outcome;
    this.#context.pump.hurry(this);
  }

  /** A lost job ends in a later term: behind everything that a reader may have seen and that is not here any more. */
  #endedWith(outcome: Outcome): Ended {
    const phase = this.#phase as Placed;
    const ending = endingOf(outcome, this.#context.clock.wall());
    const lost = ending.error?.code === "hive_lost" || ending.error?.code === "attempts_exhausted";
    return lost ? endedByQueen(phase, ending) : endedByHive(phase, ending);
  }

  #move(phase: Phase): void {
    this.#context.records.move(this.spec.job_id, phase);
    this.#phase = phase;
  }

  #tokensOf(term: number): number {
    let tokens = 0;
    for (const { event } of this.#log.after({ term, seq: 0 })) if (event.type === "token") tokens++;
    return tokens;
  }
}

const lost = (why: string, code: "hive_lost" | "attempts_exhausted" = "hive_lost"): Outcome => ({
  status: "failed",
  error: problemOf(code, `${why} while the job ran`),
});
