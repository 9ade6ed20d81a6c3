import { z } from "zod";
import { Narration } from "../events.ts";
import { ModelInfo } from "../fleet.ts";
import { HiveId, ModelId } from "../ids.ts";
import type { Table } from "../operation.ts";

const hive_id = HiveId.default("localhost").describe("Hive");
/** True when the hive was away and the queen answered what it last heard. */
const stale = z.boolean().optional();

const onHive = { executor: "hive", scope: "operator", rerun: "always", progress: Narration } as const;

export const ModelDetails = ModelInfo.extend({
  architecture: z.string().optional(),
  quantization: z.string().optional(),
  parameters: z.number().optional(),
  /** Tokens the model was made for. */
  context: z.int().optional(),
  chat_template: z.boolean().optional(),
  licence: z.string().optional(),
  files: z.array(z.object({ path: z.string(), size_bytes: z.int() })).optional(),
  problem: z.string().optional(),
});

export const modelOperations = {
  model_list: {
    ...onHive,
    offline: "last_known",
    summary: "List the models on a hive's disk",
    input: z.strictObject({ hive_id }),
    result: z.object({ models: z.array(ModelInfo), stale }),
  },
  model_get: {
    ...onHive,
    offline: "last_known",
    summary: "Show one model: architecture, quantisation, context, files",
    input: z.strictObject({ hive_id, id: ModelId.describe("Model") }),
    result: z.object({ model: ModelDetails, stale }),
  },
} as const satisfies Table;
