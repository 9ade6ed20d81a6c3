import { z } from "zod";
import { HiveId, HiveLabels, JobId, ModelId, WorkerId } from "./ids.ts";
import { priorities } from "./priority.ts";

/** Memory in bytes. A CPU device has no memory of its own: it reports the machine's. */
export const Device = z.object({
  id: z.string().max(32),
  kind: z.enum(["cpu", "cuda", "vulkan", "metal"]),
  name: z.string().max(128),
  memory_total_bytes: z.int().nonnegative(),
  memory_free_bytes: z.int().nonnegative(),
  /** Version of its driver. */
  driver: z.string().max(64).optional(),
  /** What its maker calls the generation: `9.0` (CUDA), `gfx1100` (AMD). */
  compute_capability: z.string().max(32).optional(),
});
export type Device = z.infer<typeof Device>;

export const WorkerState = z.enum(["starting", "ready", "draining", "dead"]);

export const WorkerKind = z.enum(["llama", "llama-server", "openai", "synthetic"]);

/** One worker process as its hive reports it. */
export const WorkerInfo = z.object({
  worker_id: WorkerId,
  kind: WorkerKind,
  model: ModelId,
  device: z.string().max(32),
  state: WorkerState,
  slots: z.int().positive(),
  context: z.int().positive(),
  port: z.int(),
  pid: z.int(),
  /** The server it is attached to, of kind `openai`. */
  url: z.string().max(2_048).optional(),
  /** Times it died and was started again, since it last ran for a good while. */
  restarts: z.int().nonnegative().optional(),
  /** Why it is not there: how its process ended, and its last words. */
  problem: z.string().max(2_048).optional(),
  /** What it was reckoned to take of its device. */
  memory_bytes: z.int().nonnegative().optional(),
  /** Idle for so many seconds it is stopped; absent: it stays for as long as there is room. */
  keep_alive: z.number().nonnegative().optional(),
  /** Why it is not stopped to make room for another model, though it is idle: somebody pinned it, or nobody used it yet. */
  held: z.enum(["pinned", "unserved"]).optional(),
});
export type WorkerInfo = z.infer<typeof WorkerInfo>;

/** What is shown of a worker that died and is to be started again. */
export const ShownState = z.enum([...WorkerState.options, "restarting"]);

/** One that died and waits for its next start counts as starting, and says why it is not there. */
export const shownState = ({ state, problem }: WorkerInfo): z.infer<typeof ShownState> =>
  state === "starting" && problem !== undefined ? "restarting" : state;

/** One model file (or set of files) on a hive's disk. */
export const ModelInfo = z.object({
  id: ModelId,
  name: z.string().max(256),
  size_bytes: z.int().nonnegative(),
  status: z.enum(["ready", "partial", "invalid"]),
  /** Of a partial one: how much of it is there. */
  percent: z.number().min(0).max(100).optional(),
  loaded: z.boolean(),
  /** Equal on every hive that has the same file; absent until it was read. */
  digest: z.string().max(128).optional(),
});
export type ModelInfo = z.infer<typeof ModelInfo>;

/** What a hive tells the queen about itself: small, sent at hello and whenever it changes. */
export const Inventory = z.object({
  version: z.string().max(32),
  platform: z.string().max(64),
  devices: z.array(Device).max(64),
  models: z.array(ModelInfo).max(1_000),
  workers: z.array(WorkerInfo).max(100),
  /** Slots that a worker started on demand would have. */
  slots_default: z.int().positive(),
  /** It fetches models that nobody has when a request asks for them. */
  pulls: z.boolean().optional(),
  /** Workers that the hive stopped of its own accord since its agent started: idle ones, and those whose memory was needed. */
  stops: z.object({ idle: z.int().nonnegative(), memory: z.int().nonnegative() }).optional(),
});
export type Inventory = z.infer<typeof Inventory>;

export const HiveInfo = z.object({
  hive_id: HiveId,
  connected: z.boolean(),
  /** It takes nothing new, and leaves when what it runs has ended. */
  draining: z.boolean().optional(),
  /** Milliseconds since the epoch, by the queen's clock. */
  last_seen: z.int().nonnegative(),
  /** The hive is away: devices and models are what it said last. */
  stale: z.boolean().optional(),
  enrolled_at: z.int().nonnegative(),
  /** That it joined with; jobs may ask for hives that have them. */
  labels: HiveLabels.optional(),
  version: z.string().optional(),
  platform: z.string().optional(),
  devices: z.array(Device),
  models: z.array(ModelInfo),
  jobs_running: z.int().nonnegative(),
  jobs_queued: z.int().nonnegative(),
});
export type HiveInfo = z.infer<typeof HiveInfo>;

/** A worker as the queen sees it: the hive's report, and what the queen has given it to do. */
export const ActiveWorker = z.object({
  worker_id: WorkerId,
  hive_id: HiveId,
  /** Its engine. */
  kind: WorkerKind.optional(),
  model: ModelId,
  device: z.string(),
  state: z.enum([...ShownState.options, "unreachable"]),
  slots: z.int().positive(),
  slots_busy: z.int().nonnegative(),
  /** When the queen first heard of it, in milliseconds since the epoch. */
  since: z.int().nonnegative().optional(),
  /** Of the last generation that it finished. */
  tokens_per_s: z.number().nonnegative().optional(),
  /** It gets nothing new; `keep`: and is not stopped when it has finished. */
  retired: z.enum(["keep", "stop"]).optional(),
  /** Neither idleness nor another model's need of memory stops it. */
  pinned: z.boolean().optional(),
  /** When its hive stops it if nobody uses it before, in milliseconds since the epoch. */
  expires_at: z.int().nonnegative().optional(),
});
export type ActiveWorker = z.infer<typeof ActiveWorker>;

/** A job that waits for a place. Times in milliseconds since the epoch, by the queen's clock. */
export const QueuedJob = z.object({
  job_id: JobId,
  operation: z.string(),
  model: z.string().optional(),
  /** The only hive that it may run on. */
  hive_id: HiveId.optional(),
  priority: z.enum(priorities),
  /** Name of the API key that submitted it. */
  key: z.string(),
  /** Place among the jobs that want the same, 1 = next, and why they wait. */
  position: z.int().positive(),
  reason: z.string(),
  submitted_at: z.int().nonnegative(),
  /** About how long it will still wait; absent when unknown. */
  eta_ms: z.int().nonnegative().optional(),
});
export type QueuedJob = z.infer<typeof QueuedJob>;

/** One thing that was looked at, and what was found, in words a person can act on. */
export const Check = z.object({ name: z.string().max(64), ok: z.boolean(), detail: z.string().max(1_024) });
export type Check = z.infer<typeof Check>;
