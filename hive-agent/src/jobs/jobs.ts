import { limits, RbeeError, type ErrorCode, type Op, type PreludeAnswer } from "@rbee/contracts";
import type { LinkContext } from "../link/lane.ts";
import type { HiveHandlers } from "./handler.ts";
import { Job, type JobContext } from "./job.ts";
import type { Journal } from "./journal.ts";
import { Pump } from "./pump.ts";

export interface JobsContext extends LinkContext {
  readonly journal: Journal;
  readonly handlers: HiveHandlers;
  /** Puts the journal on the disk itself, soon. */
  sync(): void;
  /** Puts a frame on the control socket; false when that is not up. */
  say(frame: string): boolean;
}

/** All jobs of this hive, at most one term of each. */
export class Jobs {
  readonly #context: JobContext;
  readonly #pump: Pump;
  readonly #jobs = new Map<string, Job>();
  /** Terms that are over, newest last, bounded: an operation sent twice may come after its end. [AGENT-1] */
  readonly #over = new Set<string>();
  readonly #draining = new AbortController();
  #idle: (() => void)[] = [];

  constructor(context: JobsContext) {
    this.#pump = new Pump((work) => context.journal.batch(work), context);
    this.#context = { ...context, pump: this.#pump, draining: this.#draining.signal, gone: (job) => this.#gone(job) };
  }

  /** Takes up what an earlier run of the agent left. @param boot changes with every start of the machine */
  resume(boot: string): void {
    for (const journaled of this.#context.journal.recover(boot)) {
      const job = this.#hold(new Job(journaled, this.#context));
      job.resume();
    }
  }

  /** The queen wants something done. A repeat changes nothing; a later term replaces an earlier one. [AGENT-1] [AGENT-3] */
  op(op: Op): void {
    const held = this.#jobs.get(op.job_id);
    if (held?.term === op.term) return held.renew(op.lane_token);
    if ((held !== undefined && held.term > op.term) || this.#over.has(keyOf(op))) return;
    const full = held === undefined && this.#jobs.size >= limits.jobs_per_hive_max;
    let journaled;
    try {
      journaled = this.#context.journal.begin(op);
    } catch (error) {
      // No receipt is given: the queen places it elsewhere.
      return this.#context.log.error("an operation could not be journaled", {
        job_id: op.job_id,
        error: String(error),
      });
    }
    this.#context.sync();
    held?.replaced();
    const job = this.#hold(new Job(journaled, this.#context));
    if (this.#draining.signal.aborted) job.refuse("draining", "the hive is shutting down");
    else if (full) job.refuse("queue_full", "the hive holds too many jobs");
    else job.start();
  }

  preludeAnswer({ job_id, term, frames }: PreludeAnswer): void {
    const job = this.#jobs.get(job_id);
    if (job?.term === term) job.preludeAnswer(frames);
  }

  cancel({ job_id, term }: { job_id: string; term: number }): void {
    const job = this.#jobs.get(job_id);
    if (job?.term === term) job.cancel();
  }

  /** What the queen has not acknowledged the end of. */
  get held(): { job_id: string; term: number }[] {
    return [...this.#jobs.values()].slice(0, limits.jobs_per_hive_max).map(({ job_id, term }) => ({ job_id, term }));
  }

  /** Jobs whose handler has not ended. */
  get running(): number {
    return [...this.#jobs.values()].filter((job) => !job.finished).length;
  }

  /** The queen is reachable again: lanes need not wait out their backoff. */
  nudge(): void {
    for (const job of this.#jobs.values()) job.nudge();
  }

  /** Takes nothing new from now on, and gives back what has not begun. */
  drain(): void {
    this.#draining.abort(new RbeeError("draining", "the hive is shutting down"));
  }

  giveBackAll(code: ErrorCode, detail: string): void {
    for (const job of this.#jobs.values()) job.giveBack(code, detail);
  }

  /** Resolves when no job is held any more. */
  async idle(): Promise<void> {
    if (this.#jobs.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Lets go of everything; the journal keeps it. */
  halt(): void {
    this.#pump.stop();
    for (const job of this.#jobs.values()) job.halt();
    this.#jobs.clear();
    this.#settle();
  }

  #hold(job: Job): Job {
    this.#jobs.set(job.job_id, job);
    return job;
  }

  #gone(job: Job): void {
    this.#over.add(keyOf(job));
    const [oldest] = this.#over;
    if (this.#over.size > limits.jobs_per_hive_max && oldest !== undefined) this.#over.delete(oldest);
    if (this.#jobs.get(job.job_id) === job) this.#jobs.delete(job.job_id);
    if (this.#jobs.size === 0) this.#settle();
  }

  #settle(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

const keyOf = ({ job_id, term }: { job_id: string; term: number }): string => `${job_id}.${term}`;
