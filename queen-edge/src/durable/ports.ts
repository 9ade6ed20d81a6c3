import type {
  ActiveWorker,
  ApiKey,
  CancelAnswer,
  Check,
  HeldJob,
  HiveInfo,
  Inventory,
  JobLine,
  JobView,
  KeyLimits,
  LaneDown,
  LaneUp,
  Problem,
  QueuedJob,
  UsageBy,
  UsedKey,
} from "@rbee/contracts";
import type { JobSpec } from "@rbee/job-core";
import type { Answer, Holder } from "@rbee/job-http";
import type { Env } from "../env.ts";
import type { Decision } from "../queen/effects.ts";
import type { JoinToken } from "../queen/join-tokens.ts";
import type { Grant } from "../queen/keys.ts";
import type { Ending } from "../queen/ledger.ts";
import type { Allowances } from "../queen/quotas.ts";
import type { OpenJob, Want } from "../queen/want.ts";
import type { UsageReport } from "../queen/usage-book.ts";

/** What other objects and the Worker may ask of a job. To a key that may not see it, there is no such job. [KEY-4] */
export interface JobPort {
  /** @param origin where the queen was asked for it, if by a client */
  submit(spec: JobSpec, origin?: string): Promise<Answer<{ created: boolean }>>;
  view(who: Holder): Promise<JobView | undefined>;
  /** Removes what was asked and said. `false`: the job is not over. */
  forget(who: Holder): Promise<boolean>;
  /** What was asked for. Never shown as it is: prompts are in it. */
  request(who: Holder): Promise<JobSpec | undefined>;
  cancel(who: Holder): Promise<CancelAnswer | undefined>;
  /** A key is worthless: streams that were opened with it end. [KEY-3] */
  dismiss(key_id: string): Promise<void>;
  /** The registry's decision for a waiting job. `false`: the job does not wait, the place is free again. */
  decide(term: number, decision: Decision): Promise<boolean>;
  /** A hive's session began, or an operation could not be sent: it has nothing of this term. */
  notThere(term: number, session: number, reason: string): Promise<void>;
  /** Frames of the hive that has the job in this term, before its lane is up. @returns what a lane would answer */
  prelude(hive_id: string, term: number, frames: readonly LaneUp[]): Promise<LaneDown[]>;
  /** What the job is now, for the registry's books. `unknown`: there is no such job. */
  audit(open: OpenJob): Promise<"open" | "unknown" | Ending>;
  fetch(request: Request): Promise<Response>;
}

export interface HiveName {
  readonly colony: string;
  readonly hive_id: string;
}

/** What a job and the registry may ask of a hive. */
export interface HivePort {
  /** @returns the session whose socket took it */
  deliver(name: HiveName, frame: string): Promise<number | undefined>;
  /** Closes that session's line, if it is the one that counts. */
  hangUp(name: HiveName, session: number): Promise<void>;
  /** Older credentials of this name are worthless from now on. */
  enrolled(gen: number): Promise<void>;
  presence(): Promise<{ connected: boolean; last_seen: number; session: number }>;
  fetch(request: Request): Promise<Response>;
}

export interface StatusReport {
  readonly hives: HiveInfo[];
  readonly workers: ActiveWorker[];
  readonly queue: { queued: number; running: number };
}

/** What a hive told when it came. */
export interface HiveReport {
  readonly session: number;
  readonly inventory: Inventory;
  readonly jobs: readonly HeldJob[];
}

/** What everyone may ask of a colony's registry. */
export interface RegistryPort {
  place(colony: string, want: Want, term: number): Promise<Decision>;
  release(job_id: string, ending: Ending): Promise<void>;
  hiveConnected(colony: string, hive_id: string, report: HiveReport): Promise<void>;
  hiveChanged(hive_id: string, session: number, change: { inventory?: Inventory; draining?: boolean }): Promise<void>;
  hiveDisconnected(hive_id: string, session: number): Promise<void>;
  status(colony: string): Promise<StatusReport>;
  retireWorker(colony: string, worker_id: string, keep: boolean): Promise<Answer<ActiveWorker>>;
  check(colony: string): Promise<Check[]>;
  /** What its owner lets a key use. */
  limitsOf(key_id: string): Promise<KeyLimits>;
  /** What a key may still use. */
  allowances(key_id: string): Promise<Allowances>;
  /** Those that a key may see. */
  jobs(limit: number, who: Holder): Promise<JobLine[]>;
  queue(limit: number): Promise<{ jobs: QueuedJob[]; queued: number }>;
  usage(by: UsageBy, range: { from: number; to: number }): Promise<UsageReport>;
  /** The fleet in figures, in Prometheus' text format. Wakes no hive. */
  metrics(): Promise<string>;
  addKey(colony: string, hash: string, key: ApiKey): Promise<Answer<ApiKey>>;
  keys(): Promise<UsedKey[]>;
  revokeKey(colony: string, key_id: string): Promise<Answer<{ key_id: string }>>;
  /** Why a key that a Worker took is worthless meanwhile, if it is: for what asks for no place, where it would be told. */
  refusal(key_id: string): Promise<Problem | undefined>;
  /** What the key with this hash is good for now. */
  grantOf(hash: string): Promise<Grant | undefined>;
  addToken(hash: string, token: JoinToken): Promise<void>;
  enrol(tokenHash: string, hive_id: string): Promise<Answer<{ hive_id: string; gen: number }>>;
  /** Somebody watches the fleet. */
  fetch(request: Request): Promise<Response>;
}

/** A job's object. Every name begins with the colony, so one owner can never reach another's. */
export const jobOf = (env: Env, colony: string, job_id: string): JobPort => env.JOB.getByName(`${colony}/${job_id}`);

export const hiveOf = (env: Env, colony: string, hive_id: string): HivePort =>
  env.HIVE.getByName(`${colony}/${hive_id}`);

export const registryOf = (env: Env, colony: string): RegistryPort => env.REGISTRY.getByName(colony);
