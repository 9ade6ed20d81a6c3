import type { Fault } from "../faults/plan.ts";

/** How one client reads a job's stream. Times in milliseconds. */
export interface ReaderPlan {
  readonly at: number;
  /** Each message is taken this long after it came. */
  readonly slow_ms: number;
  /** It drops its connection after so many messages, each time anew, and comes back with its last id. */
  readonly drops: readonly number[];
  /** Characters that may be on their way to it; `undefined`: as many as there are, as a Worker of old asks for. */
  readonly window: number | undefined;
  /** It drops the connection for good after so many messages. */
  readonly leaves_after: number | undefined;
  /** It asks for what is behind everything that there will ever be. */
  readonly ahead?: boolean;
}

export interface JobPlan {
  readonly at: number;
  readonly operation: "infer" | "model_list";
  /** Index of the hive it is for; `undefined` leaves it to the queen. */
  readonly hive: number | undefined;
  readonly tokens: number;
  readonly pace_ms: number;
  readonly narrates: boolean;
  /** Whether its handler stops when it is told to. */
  readonly listens: boolean;
  readonly fails: boolean;
  /** When somebody cancels it. */
  readonly cancels: readonly number[];
  /** Whether the one who submits tries again when the answer is lost. */
  readonly retries: boolean;
  /** Whether another hive is to go on where a lost one stopped. */
  readonly continues: boolean;
  /** Whether the submitter's leaving cancels the job. */
  readonly cancels_on_leave: boolean;
  /** Whether the submitter reads in the same request. */
  readonly streams: boolean;
  readonly readers: readonly ReaderPlan[];
}

export interface HivePlan {
  readonly at: number;
  /** Per worker. */
  readonly slots: number;
  readonly workers: number;
  /** Of the link: 1 knows no `resume`, and tells no digests. */
  readonly version: 1 | 2;
}

/** Everything that will happen to a world, but for chance in small things (latencies, jitter), which the seed fixes too. */
export interface Scenario {
  readonly seed: number;
  readonly latency_ms: number;
  /** Whether the world is watched until its logs' time is up. */
  readonly outlives: boolean;
  readonly hives: readonly HivePlan[];
  readonly jobs: readonly JobPlan[];
  readonly faults: readonly Fault[];
}

const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

/** Every job of a world has an id of its own that anybody can tell apart at its last letter. */
export const jobIdOf = (index: number): string => `job_${"a".repeat(25)}${BASE32[index] ?? "7"}`;
export const jobIndexOf = (job_id: string): number => BASE32.indexOf(job_id.at(-1) ?? "");
export const hiveIdOf = (index: number): string => `hive-${index}`;

/** The text that a job's handler says, piece by piece, whichever hive runs it. */
export const tokenOf = (_plan: JobPlan, index: number): string => `${index} `;
