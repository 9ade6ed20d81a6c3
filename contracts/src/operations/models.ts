import { z } from "zod";
import { HandlerEvent, Narration } from "../events.ts";
import { ModelInfo } from "../fleet.ts";
import { HiveId, ModelId } from "../ids.ts";
import { limits } from "../limits.ts";
import type { Table } from "../operation.ts";
import { byQueen, hive_id, onHive } from "./rows.ts";

/** True when the hive was away and the queen answered what it last heard. */
const stale = z.boolean().optional();

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** What one device would need to run it: weights, the keys and values of so many tokens, and working memory. */
const MemoryEstimate = z.object({
  device: z.string().max(32),
  context: z.int(),
  bytes: z.int(),
  /** Judged by the device's whole memory: what is free now changes. */
  fits: z.boolean(),
});

export const ModelDetails = ModelInfo.extend({
  architecture: z.string().optional(),
  quantization: z.string().optional(),
  parameters: z.number().optional(),
  /** Tokens the model was made for. */
  context: z.int().optional(),
  chat_template: z.boolean().optional(),
  licence: z.string().optional(),
  files: z.array(z.object({ path: z.string(), size_bytes: z.int(), sha256: Sha256.optional() })).optional(),
  /** Of a model in one file, when the hub said it or a download computed it. */
  sha256: Sha256.optional(),
  memory: z.array(MemoryEstimate).optional(),
  problem: z.string().optional(),
});

/**
 * A model to fetch: `org/repo`, `org/repo:QUANT`, `org/repo/file.gguf` (each also behind `hf:`), `https://…`, or
 * `file:/…` on the hive itself. Only its shape is judged here; the hive decides what it fetches.
 */
const ModelSource = z
  .string()
  .min(1)
  .max(limits.model_source_chars_max)
  .refine((source) => !hasControlCharacters(source), "not a model, https: or file: address")
  .refine(
    (source) => /^(https?|file):/.test(source) || ModelId.safeParse(source.replace(/^hf:/, "")).success,
    "not a model, https: or file: address",
  );

const hasControlCharacters = (text: string): boolean => text.split("").some((one) => one < " " || one === "\u007F");

/** A branch, tag or commit. */
const Revision = z
  .string()
  .max(128)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*){0,3}$/, "not a branch, tag or commit")
  .refine((revision) => !revision.includes(".."), "not a branch, tag or commit");

/** A model on the hub that comes as GGUF. `sizes` in bytes by quantisation, in the order of `quants`. */
const FoundModel = z.object({
  id: ModelId,
  /** Its page on the hub that was searched, which need not be huggingface.co. */
  url: z.url(),
  quants: z.array(z.string()),
  sizes: z.record(z.string(), z.int().nonnegative()),
  downloads: z.int().nonnegative(),
  licence: z.string().optional(),
  gated: z.boolean(),
  /** Hives where the quantisation that would be taken fits a device. */
  fits: z.array(HiveId),
});

export const modelOperations = {
  model_search: {
    ...byQueen,
    scope: "operator",
    summary: "Search the hub for models, and say where they would fit",
    input: z.strictObject({
      query: z.string().min(1).max(256).describe("Words to search for"),
      limit: z.int().min(1).max(limits.search_models_max).default(10).describe("Most models to show"),
    }),
    result: z.object({ models: z.array(FoundModel) }),
  },
  model_download: {
    ...onHive,
    progress: HandlerEvent,
    summary: "Fetch a model to a hive's disk",
    input: z.strictObject({
      hive_id,
      model: ModelSource.describe("org/repo, org/repo:QUANT, org/repo/file.gguf, https://… or file:/…"),
      revision: Revision.optional().describe("Branch, tag or commit of the repository"),
    }),
    result: z.object({
      model_id: ModelId,
      status: z.enum(["ready"]),
      /** The file an engine opens; of a split model the first. */
      path: z.string(),
      /** Absent for a split model, and for one that some other program fetched: `model_get` lists every file. */
      sha256: Sha256.optional(),
      size_bytes: z.int(),
      /** It was there already; nothing was fetched. */
      already_there: z.boolean(),
    }),
  },
  model_list: {
    ...onHive,
    offline: "last_known",
    progress: Narration,
    summary: "List the models on a hive's disk",
    input: z.strictObject({ hive_id }),
    result: z.object({ models: z.array(ModelInfo), stale }),
  },
  model_get: {
    ...onHive,
    offline: "last_known",
    progress: Narration,
    summary: "Show one model: architecture, quantisation, context, files, memory",
    input: z.strictObject({ hive_id, id: ModelId.describe("Model") }),
    result: z.object({ model: ModelDetails, stale }),
  },
  model_delete: {
    ...onHive,
    progress: Narration,
    summary: "Remove a model from a hive's disk, with what a download left of it",
    input: z.strictObject({
      hive_id,
      id: ModelId.describe("Model"),
      force: z.boolean().default(false).describe("Stop the workers that have it loaded"),
    }),
    result: z.object({
      message: z.string(),
      /** Bytes that the disk got back: none for a file that another program still has. */
      freed_bytes: z.int().nonnegative(),
    }),
  },
} as const satisfies Table;
