import { z } from "zod";
import { HandlerEvent } from "../events.ts";
import { HiveId, ModelId, SomeLabels, WorkerId } from "../ids.ts";
import { limits } from "../limits.ts";
import type { Table } from "../operation.ts";

export const ChatMessage = z.strictObject({
  role: z.enum(["system", "user", "assistant"]),
  content: z.string(),
});
export type ChatMessage = z.infer<typeof ChatMessage>;

export const ResponseFormat = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("text") }),
  z.strictObject({ type: z.literal("json_object") }),
  z.strictObject({ type: z.literal("json_schema"), schema: z.record(z.string(), z.unknown()) }),
]);

/** Token counts are the engine's own. `cached_tokens` of the prompt were still in the engine and cost nothing. */
export const Usage = z.object({
  prompt_tokens: z.int().nonnegative(),
  cached_tokens: z.int().nonnegative(),
  completion_tokens: z.int().nonnegative(),
  total_tokens: z.int().nonnegative(),
});
export type Usage = z.infer<typeof Usage>;

export const Timings = z.object({
  /** From the worker's taking the request to a free sequence. */
  wait_ms: z.number().nonnegative(),
  prompt_ms: z.number().nonnegative(),
  generation_ms: z.number().nonnegative(),
  tokens_per_s: z.number().nonnegative(),
});
export type Timings = z.infer<typeof Timings>;

const StopString = z.string().min(1).max(limits.stop_string_chars_max);

/** What the engine is asked for; the worker reads exactly this, so no other field can reach it. */
export const Generation = z.strictObject({
  prompt: z.string().min(1).optional().describe("Text to continue, or with a chat model to answer"),
  messages: z.array(ChatMessage).min(1).max(limits.messages_max).optional(),
  raw: z.boolean().default(false).describe("Continue the prompt as it stands, without the model's chat template"),
  max_tokens: z.int().min(1).max(limits.tokens_per_job_max).default(1_024).describe("Most tokens to generate"),
  temperature: z.number().min(0).max(5).default(0.8).describe("0 always takes the likeliest token"),
  top_p: z.number().gt(0).max(1).default(0.95),
  top_k: z.int().min(0).max(1_000).default(40).describe("0 turns it off"),
  min_p: z.number().min(0).max(1).default(0.05),
  seed: z.int().min(0).max(4_294_967_295).optional().describe("Same seed, same text"),
  stop: z
    .union([StopString, z.array(StopString).max(limits.stop_strings_max)])
    .transform((stop) => (typeof stop === "string" ? [stop] : stop))
    .default([])
    .describe("Text that ends the answer and is not part of it"),
  response_format: ResponseFormat.default({ type: "text" }),
});
export type Generation = z.infer<typeof Generation>;

/** How a job stands in the queue, and where it may go. */
export const priorities = ["high", "normal", "low"] as const;
export type Priority = (typeof priorities)[number];

const queueWishes = {
  priority: z
    .enum(priorities)
    .optional()
    .describe("Before all of lower priority; high needs an operator's key; normal unless said otherwise"),
  max_wait: z
    .int()
    .min(1)
    .max(limits.queue_wait_ms_max / 1000)
    .optional()
    .describe("Seconds it may wait for a place, then it fails; without it, it waits for ever"),
  hive_labels: SomeLabels.optional().describe("Only hives that have all of these labels"),
  session: z
    .string()
    .min(1)
    .max(limits.session_chars_max)
    .optional()
    .describe("Requests of one session go to the same worker while it has room; chats are recognised without it"),
} as const;

export const inferenceOperations = {
  infer: {
    executor: "worker",
    scope: "infer",
    rerun: "unseen",
    offline: "wait",
    queen_only: ["on_lost", "priority", "max_wait", "hive_labels", "session"],
    summary: "Generate text with a model",
    input: Generation.extend({
      model: ModelId.describe("Model"),
      hive_id: z
        .union([HiveId, z.literal("").transform(() => "auto")])
        .default("auto")
        .describe("Hive, or auto"),
      worker_id: WorkerId.optional().describe("Exactly this worker"),
      on_lost: z
        .enum(["fail", "continue"])
        .optional()
        .describe("When the hive is lost in mid-answer: fail, or continue on another with the same model"),
      ...queueWishes,
    }).refine((input) => (input.prompt === undefined) !== (input.messages === undefined), {
      error: "give either `prompt` or `messages`",
      path: ["prompt"],
    }),
    progress: HandlerEvent,
    result: z.object({
      text: z.string(),
      /** `stop`: the model or a stop string ended it; `length`: max_tokens or the context did. */
      finish_reason: z.enum(["stop", "length"]),
      usage: Usage,
      timings: Timings,
      model: ModelId,
      hive_id: HiveId,
      worker_id: WorkerId,
    }),
  },
} as const satisfies Table;
