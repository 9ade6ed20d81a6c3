import { z } from "zod";
import { HandlerEvent, Narration } from "../events.ts";
import { ActiveWorker, ShownState, WorkerInfo, WorkerState } from "../fleet.ts";
import { DeviceId, ModelId, WorkerId } from "../ids.ts";
import { KeepAlive } from "../keep-alive.ts";
import { limits } from "../limits.ts";
import type { Table } from "../operation.ts";
import { byQueen, hive_id, onHive } from "./rows.ts";

/**
 * The wishes that every operation which starts a worker takes. What a person starts stays until it is stopped, or until it
 * is idle and another model needs its memory; what a request loads stays for the hive's keep-alive.
 */
export const workerWishes = {
  device: DeviceId.default("auto").describe("Device: auto, cpu, cuda:0, …"),
  slots: z.int().min(1).max(limits.slots_max).optional().describe("Requests it serves at once"),
  context: z.int().min(64).max(4_194_304).optional().describe("Tokens of context per slot"),
  keep_alive: KeepAlive.optional().describe("Stop it when idle for so long: seconds, or 10m; it stays unless given"),
  pin: z.boolean().optional().describe("Never stop it by itself: not for being idle, nor for another model's memory"),
};

/** A worker that was started and is ready. */
export const StartedWorker = z.object({ worker_id: WorkerId, port: z.int(), pid: z.int(), status: WorkerState });

/** Resident memory in bytes, processor time in percent of one core, GPU memory in MiB where its driver tells. */
const WorkerProcess = WorkerInfo.extend({
  status: ShownState,
  rss: z.int().optional(),
  cpu_pct: z.number().optional(),
  vram_mb: z.number().optional(),
});

/** The engines a hive can have. All but `llama-server`, which is built on the hive, come ready made. */
export const WorkerType = z.enum([
  "cpu-llm-worker",
  "cuda-llm-worker",
  "vulkan-llm-worker",
  "metal-llm-worker",
  "llama-server",
]);
export type WorkerType = z.infer<typeof WorkerType>;

/** An engine that is installed. */
export const WorkerBinary = z.object({
  /** `<worker_type>@<version>` */
  id: z.string(),
  worker_type: WorkerType,
  version: z.string(),
  /** Its folder, or its program. */
  path: z.string(),
  size_bytes: z.int().nonnegative(),
  /** Of what was downloaded, or of the program that was built. */
  sha256: z.string().optional(),
  /** It came with the agent, and goes with it. */
  bundled: z.boolean(),
  in_use_by: z.array(WorkerId),
});
export type WorkerBinary = z.infer<typeof WorkerBinary>;

/** What a hive could have, judged against what it is. */
export const WorkerOffer = z.object({
  worker_type: WorkerType,
  version: z.string(),
  method: z.enum(["download", "build"]),
  /** Bytes to download; absent when nobody knows. */
  size_bytes: z.int().nonnegative().optional(),
  installed: z.boolean(),
  installable: z.boolean(),
  /** Why not. */
  reason: z.string().optional(),
});
export type WorkerOffer = z.infer<typeof WorkerOffer>;

const worker_type = WorkerType.describe("Engine");
const Installed = z.object({
  worker_type: WorkerType,
  version: z.string(),
  path: z.string(),
  sha256: z.string().optional(),
  size_bytes: z.int().nonnegative(),
});

const binaryOperations = {
  worker_catalog_list: {
    ...onHive,
    summary: "List the engines a hive could install, and why not",
    input: z.strictObject({ hive_id }),
    progress: Narration,
    result: z.object({ workers: z.array(WorkerOffer) }),
  },
  worker_catalog_get: {
    ...onHive,
    summary: "Show one engine a hive could install",
    input: z.strictObject({ hive_id, worker_type }),
    progress: Narration,
    result: z.object({ worker: WorkerOffer }),
  },
  worker_download: {
    ...onHive,
    summary: "Download a ready-made engine to a hive",
    input: z.strictObject({ hive_id, worker_type }),
    progress: HandlerEvent,
    result: Installed,
  },
  worker_build: {
    ...onHive,
    summary: "Build an engine on a hive from its source",
    input: z.strictObject({
      hive_id,
      worker_type,
      options: z
        .strictObject({
          backend: z.enum(["cpu", "cuda", "vulkan", "metal"]).optional().describe("What it computes on"),
          jobs: z.int().min(1).max(64).optional().describe("Compilers at once"),
        })
        .optional(),
    }),
    progress: HandlerEvent,
    result: Installed,
  },
  worker_binary_list: {
    ...onHive,
    summary: "List the engines that are installed on a hive",
    input: z.strictObject({ hive_id }),
    progress: Narration,
    result: z.object({ workers: z.array(WorkerBinary) }),
  },
  worker_binary_get: {
    ...onHive,
    summary: "Show one installed engine",
    input: z.strictObject({ hive_id, worker_type }),
    progress: Narration,
    result: z.object({ worker: WorkerBinary }),
  },
  worker_binary_delete: {
    ...onHive,
    summary: "Remove an engine that no worker uses",
    input: z.strictObject({ hive_id, worker_type }),
    progress: Narration,
    result: z.object({ message: z.string() }),
  },
} as const satisfies Table;

/** A process by its pid, or, as older clients ask, by its worker's id. */
const oneProcess = z
  .strictObject({
    hive_id,
    pid: z.int().positive().optional().describe("Process id"),
    worker_id: WorkerId.optional().describe("Worker"),
  })
  .refine(({ pid, worker_id }) => (pid === undefined) !== (worker_id === undefined), {
    error: "give either `pid` or `worker_id`",
    path: ["pid"],
  });

const processOperations = {
  worker_spawn: {
    ...onHive,
    summary: "Start a worker with a model on a hive and wait until it is ready",
    input: z
      .strictObject({
        hive_id,
        model: ModelId.describe("Model"),
        worker: z
          .enum(["auto", "cpu", "cuda", "vulkan", "metal", "llama-server", "openai"])
          .default("auto")
          .describe("Engine"),
        ...workerWishes,
        url: z
          .url({ protocol: /^https?$/ })
          .max(2_048)
          .optional()
          .describe("Running server that a worker of kind openai attaches to"),
      })
      .refine(({ worker, url }) => (worker === "openai") === (url !== undefined), {
        error:
          "worker openai, and no other, needs the address of a running server: `url`, on the command line --server",
        path: ["url"],
      }),
    progress: HandlerEvent,
    result: StartedWorker,
  },
  worker_process_list: {
    ...onHive,
    summary: "List the worker processes of a hive",
    input: z.strictObject({ hive_id }),
    progress: Narration,
    result: z.object({ workers: z.array(WorkerProcess) }),
  },
  worker_process_get: {
    ...onHive,
    summary: "Show one worker process of a hive",
    input: oneProcess,
    progress: Narration,
    result: z.object({ worker: WorkerProcess }),
  },
  worker_process_delete: {
    ...onHive,
    summary: "Stop a worker process and wait until it is gone",
    input: oneProcess.safeExtend({
      drain_ms: z
        .int()
        .min(0)
        .max(limits.worker_drain_ms)
        .default(limits.worker_delete_drain_ms)
        .describe("Milliseconds that its requests may run on for"),
      keep: z.boolean().default(false).describe("Only give it nothing new; it is not stopped"),
    }),
    progress: Narration,
    result: z.object({ message: z.string(), pid: z.int() }),
  },
} as const satisfies Table;

/** The queen's view: workers of all hives. */
const activeOperations = {
  active_worker_list: {
    ...byQueen,
    scope: "operator",
    summary: "List the workers of all hives",
    input: z.strictObject({}),
    result: z.object({ workers: z.array(ActiveWorker) }),
  },
  active_worker_get: {
    ...byQueen,
    scope: "operator",
    summary: "Show one worker",
    input: z.strictObject({ worker_id: WorkerId.describe("Worker") }),
    result: z.object({ worker: ActiveWorker }),
  },
  active_worker_retire: {
    ...byQueen,
    scope: "operator",
    summary: "Give a worker nothing new, let it finish, then stop it",
    input: z.strictObject({
      worker_id: WorkerId.describe("Worker"),
      keep: z.boolean().default(false).describe("Do not stop it"),
    }),
    result: z.object({ message: z.string() }),
  },
} as const satisfies Table;

export const workerOperations = { ...binaryOperations, ...processOperations, ...activeOperations } as const;
