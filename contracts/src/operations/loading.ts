import { z } from "zod";
import { HandlerEvent, Narration } from "../events.ts";
import { HiveId, ModelId } from "../ids.ts";
import type { Table } from "../operation.ts";
import { hive_id, onHive } from "./rows.ts";
import { StartedWorker, workerWishes } from "./workers.ts";

export const loadingOperations = {
  model_load: {
    ...onHive,
    summary: "Load a model into a worker of a hive and wait until it is ready",
    input: z.strictObject({ hive_id, id: ModelId.describe("Model"), ...workerWishes }),
    progress: HandlerEvent,
    result: StartedWorker,
  },
  model_unload: {
    ...onHive,
    summary: "Let the workers of a model finish, then stop them",
    input: z.strictObject({ hive_id, id: ModelId.describe("Model") }),
    progress: Narration,
    result: z.object({ message: z.string() }),
  },
  model_run: {
    ...onHive,
    offline: "wait",
    summary: "Choose a hive and a device, fetch the model there and load it",
    input: z.strictObject({
      model: ModelId.describe("Model"),
      hive_id: HiveId.default("auto").describe("Hive, or auto"),
      ...workerWishes,
    }),
    progress: HandlerEvent,
    result: StartedWorker.extend({ hive_id: HiveId, device: z.string() }),
  },
} as const satisfies Table;
