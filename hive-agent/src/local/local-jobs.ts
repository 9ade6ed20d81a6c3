import { limits, RbeeError, type CancelAnswer, type JobLine, type JobView } from "@rbee/contracts";
import { EventLog, isAfter, isEnded, isSameRequest, viewOf, type JobSpec, type KeptJob } from "@rbee/job-core";
import {
  sseResponse,
  type Answer,
  type JobKeeper,
  type ReaderQuery,
  type ReadOptions,
  type Source,
} from "@rbee/job-http";
import type { Clock } from "../clock.ts";
import { Pump } from "../jobs/pump.ts";
import type { Runnable } from "../jobs/run-handler.ts";
import type { Log } from "../log.ts";
import type { NodeSql } from "../storage/node-sql.ts";
import { LocalJob, type LocalContext } from "./local-job.ts";
import { Reader } from "./readers.ts";
import { LocalRecords } from "./records.ts";

export interface LocalJobsOptions {
  readonly hive_id: string;
  readonly sql: NodeSql;
  readonly clock: Clock;
  readonly log: Log;
  /** Changes with every start of the machine. */
  readonly boot: string;
  /** The handler of an operation. @throws RbeeError unsupported, hive_not_found */
  runnable(spec: Pick<JobSpec, "operation" | "input">): Runnable;
}

/** The jobs this machine was asked for directly, as the routes want them kept. */
export class LocalJobs implements JobKeeper {
  readonly #options: LocalJobsOptions;
  readonly #records: LocalRecords;
  readonly #pump: Pump;
  readonly #context: LocalContext;
  readonly #open = new Map<string, LocalJob>();
  #draining = false;
  #idle: (() => void)[] = [];

  constructor(options: LocalJobsOptions) {
    this.#options = options;
    this.#records = new LocalRecords(options.sql);
    // Each job writes in a transaction of its own: one that cannot be written takes no other with it.
    this.#pump = new Pump((work) => work(), options);
    this.#context = {
      hive_id: options.hive_id,
      records: this.#records,
      pump: this.#pump,
      clock: options.clock,
      log: options.log,
      runnable: (spec) => options.runnable(spec),
      sync: () => options.sql.sync(),
      gone: (job) => this.#gone(job),
    };
  }

  /** Takes up what an earlier agent left. [LOCAL-3] */
  resume(): void {
    this.#records.prune(this.#options.clock.wall());
    const rebooted = this.#records.rebooted(this.#options.boot);
    for (const record of this.#records.open()) this.#hold(LocalJob.resume(record, this.#context, rebooted));
  }

  async submit(spec: JobSpec): Promise<Answer<{ created: boolean }>> {
    const known = this.#find(spec.job_id);
    if (known !== undefined) {
      if (isSameRequest(known.spec, spec)) return { ok: { created: false } };
      return { problem: new RbeeError("idempotency_conflict").toProblem() };
    }
    try {
      this.#admit(spec);
    } catch (error) {
      if (error instanceof RbeeError) return { problem: error.toProblem() };
      throw error;
    }
    this.#hold(LocalJob.begin(spec, this.#context));
    return { ok: { created: true } };
  }

  async view(job_id: string): Promise<JobView | undefined> {
    const job = this.#find(job_id);
    return job === undefined ? undefined : viewOf(job, true);
  }

  async request(job_id: string): Promise<JobSpec | undefined> {
    return this.#find(job_id)?.spec;
  }

  async cancel(job_id: string): Promise<CancelAnswer | undefined> {
    const job = this.#find(job_id);
    if (job === undefined) return undefined;
    this.#open.get(job_id)?.cancel();
    const { phase } = job;
    return { job_id, status: isEnded(phase) ? phase.state : "cancelling" };
  }

  async list(limit: number): Promise<JobLine[]> {
    return this.newest(limit);
  }

  newest(limit: number): JobLine[] {
    return this.#records.list(limit);
  }

  async read(job_id: string, query: ReaderQuery, options: ReadOptions): Promise<Response | undefined> {
    const job = this.#find(job_id);
    if (job === undefined) return undefined;
    // An EventSource that has read everything would reconnect for ever; 204 tells it to stop. [READ-4]
    if (query.resume && isEnded(job.phase) && !isAfter(job.log.end, query.after))
      return new Response(null, { status: 204 });
    const open = this.#open.get(job_id);
    const pipe = () => new TransformStream<Uint8Array, Uint8Array>();
    const source: Source = (feed) => {
      const begin = () => new Reader(job, query, feed);
      const reader = open === undefined ? begin() : open.readers.add(begin);
      const left = () => {
        open?.readers.left(reader);
        // Only its own client's leaving counts, and only if it said so. [READ-7]
        if (query.cancels) open?.cancel();
      };
      return { left, taken: (chars) => reader.taken(chars) };
    };
    return sseResponse(source, { ...options, pipe });
  }

  /** Jobs that are not over. */
  get running(): number {
    return this.#open.size;
  }

  /** Takes nothing new from now on. */
  drain(): void {
    this.#draining = true;
  }

  /** Resolves when no job runs any more. */
  async idle(): Promise<void> {
    if (this.#open.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Lets go of everything; what runs is left for the next agent. */
  halt(): void {
    this.#pump.stop();
    for (const job of this.#open.values()) job.halt();
    this.#open.clear();
    this.#settle();
  }

  /** @throws RbeeError why this job is not taken */
  #admit(spec: JobSpec): void {
    if (this.#draining) throw new RbeeError("draining");
    if (this.#open.size >= limits.jobs_per_hive_max)
      throw new RbeeError("queue_full", `${limits.jobs_per_hive_max} jobs are open on this machine`);
    // Whoever asks for what cannot be done here should hear it at once.
    this.#options.runnable(spec);
    this.#records.prune(this.#options.clock.wall());
  }

  #find(job_id: string): KeptJob | undefined {
    const open = this.#open.get(job_id);
    if (open !== undefined) return open;
    const record = this.#records.find(job_id);
    return record === undefined ? undefined : { ...record, log: new EventLog(this.#records.rowsOf(job_id)) };
  }

  #hold(job: LocalJob): void {
    this.#open.set(job.spec.job_id, job);
  }

  #gone(job: LocalJob): void {
    this.#open.delete(job.spec.job_id);
    if (this.#open.size === 0) this.#settle();
  }

  #settle(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
