import { z } from "zod";
import { HandlerEvent, Narration } from "../events.ts";
import { ActiveWorker, WorkerInfo, WorkerState } from "../fleet.ts";
import { DeviceId, HiveId, ModelId, WorkerId } from "../ids.ts";
import { limits } from "../limits.ts";
import type { Table } from "../operation.ts";

const hive_id = HiveId.default("localhost").describe("Hive");

/** Resident memory in bytes and processor time in percent of one core. */
const WorkerProcess = WorkerInfo.extend({ rss_bytes: z.int().optional(), cpu_pct: z.number().optional() });

export const workerOperations = {
  worker_spawn: {
    executor: "hive",
    scope: "operator",
    rerun: "always",
    offline: "fail",
    summary: "Start a worker with a model on a hive and wait until it is ready",
    input: z.strictObject({
      hive_id,
      model: ModelId.describe("Model"),
      worker: z.enum(["auto", "cpu", "cuda", "vulkan", "metal"]).default("auto").describe("Engine backend"),
      device: DeviceId.default("auto").describe("Device: auto, cpu, cuda:0, …"),
      slots: z.int().min(1).max(limits.slots_max).optional().describe("Requests it serves at once"),
      context: z.int().min(64).max(4_194_304).optional().describe("Tokens of context per slot"),
    }),
    progress: HandlerEvent,
    result: z.object({ worker_id: WorkerId, port: z.int(), pid: z.int(), status: WorkerState }),
  },
  worker_process_list: {
    executor: "hive",
    scope: "operator",
    rerun: "always",
    offline: "fail",
    summary: "List the worker processes of a hive",
    input: z.strictObject({ hive_id }),
    progress: Narration,
    result: z.object({ workers: z.array(WorkerProcess) }),
  },
  worker_process_delete: {
    executor: "hive",
    scope: "operator",
    rerun: "always",
    offline: "fail",
    summary: "Stop a worker process and wait until it is gone",
    input: z.strictObject({ hive_id, pid: z.int().positive().describe("Process id") }),
    progress: Narration,
    result: z.object({ message: z.string(), pid: z.int() }),
  },
  active_worker_list: {
    executor: "queen",
    scope: "operator",
    rerun: "always",
    offline: "fail",
    summary: "List the workers of all hives",
    input: z.strictObject({}),
    progress: Narration,
    result: z.object({ workers: z.array(ActiveWorker) }),
  },
} as const satisfies Table;
