import { z } from "zod";
import { HandlerEvent } from "../events.ts";
import { HiveId, ModelId, SomeLabels, WorkerId } from "../ids.ts";
import { KeepAlive } from "../keep-alive.ts";
import { limits } from "../limits.ts";
import type { Table } from "../operation.ts";
import { priorities } from "../priority.ts";
import { ChatMessage } from "./chat.ts";
import { Tool, ToolCall, ToolChoice } from "./tools.ts";

export const ResponseFormat = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("text") }),
  z.strictObject({ type: z.literal("json_object") }),
  z.strictObject({
    type: z.literal("json_schema"),
    schema: z.record(z.string(), z.unknown()),
    /** `false`: what cannot be enforced is left open; otherwise it is refused. */
    strict: z.boolean().optional(),
  }),
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

/** `stop`: the model or a stop string ended it; `length`: max_tokens or the context did; `tool_calls`: it waits for tools. */
export const FinishReason = z.enum(["stop", "length", "tool_calls"]);

const EmbedText = z.string().min(1).max(limits.embed_chars_max);

const StopString = z.string().min(1).max(limits.stop_string_chars_max);

const Penalty = z.number().min(-2).max(2).optional();

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
  // Hives a version behind know none of what follows: it has no defaults, so that a plain request stays one they understand.
  frequency_penalty: Penalty.describe("Against tokens, by how often they came"),
  presence_penalty: Penalty.describe("Against tokens that came at all"),
  repeat_penalty: z.number().gt(0).max(2).optional().describe("Divides the odds of tokens that came; 1 turns it off"),
  logprobs: z
    .int()
    .min(0)
    .max(limits.logprobs_max)
    .optional()
    .describe("Tell each token's log probability, with so many alternatives"),
  suffix: z
    .string()
    .min(1)
    .optional()
    .describe("Text behind the gap that the answer fills; the prompt is in front of it"),
  tools: z.array(Tool).min(1).max(limits.tools_max).optional().describe("Functions that the model may ask for"),
  tool_choice: ToolChoice.optional(),
  parallel_tool_calls: z.boolean().optional().describe("Whether one answer may hold several calls; true unless given"),
});
export type Generation = z.infer<typeof Generation>;

/** How a job stands in the queue, and where it may go. */
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
const where = {
  model: ModelId.describe("Model"),
  hive_id: z
    .union([HiveId, z.literal("").transform(() => "auto")])
    .default("auto")
    .describe("Hive, or auto"),
  worker_id: WorkerId.optional().describe("Exactly this worker"),
  keep_alive: KeepAlive.optional().describe(
    "How long a model that a request loaded stays when idle: seconds, or 10m; 0: not at all, -1: while there is room",
  ),
};

const ran = { model: ModelId, hive_id: HiveId, worker_id: WorkerId };

/** What a request that came in through another API must say again when it is asked for. */
const Note = z.record(z.string(), z.unknown());

export const inferenceOperations = {
  embed: {
    executor: "worker",
    scope: "infer",
    rerun: "always",
    offline: "wait",
    summary: "Turn texts into vectors that are near each other when the texts mean alike",
    input: z.strictObject({
      ...where,
      input: z
        .union([EmbedText, z.array(EmbedText).min(1).max(limits.embed_inputs_max)])
        .transform((input) => (typeof input === "string" ? [input] : input))
        .describe("Text"),
      truncate: z
        .boolean()
        .optional()
        .describe(
          "Embed the beginning of a text that is too long for the model, instead of failing; only workers of kind llama can",
        ),
    }),
    progress: HandlerEvent,
    result: z.object({
      /** One per text, in their order, each of length 1. */
      embeddings: z.array(z.array(z.number())),
      usage: z.object({ prompt_tokens: z.int().nonnegative(), total_tokens: z.int().nonnegative() }),
      ...ran,
    }),
  },
  infer: {
    executor: "worker",
    scope: "infer",
    rerun: "unseen",
    offline: "wait",
    queen_only: ["on_lost", "note", "priority", "max_wait", "hive_labels", "session"],
    summary: "Generate text with a model",
    input: Generation.extend({
      ...where,
      on_lost: z
        .enum(["fail", "continue"])
        .optional()
        .describe("When the hive is lost in mid-answer: fail, or continue on another with the same model"),
      ...queueWishes,
      note: Note.optional().describe("Kept with the job for whoever submitted it; no hive sees it"),
    })
      .refine((input) => (input.prompt === undefined) !== (input.messages === undefined), {
        error: "give either `prompt` or `messages`",
        path: ["prompt"],
      })
      .refine(({ suffix, messages, raw }) => suffix === undefined || (messages === undefined && raw), {
        error: "goes with a raw `prompt`",
        path: ["suffix"],
      })
      .refine(({ tools, prompt }) => tools === undefined || prompt === undefined, {
        error: "go with `messages`",
        path: ["tools"],
      })
      .refine(({ tools, on_lost }) => tools === undefined || on_lost !== "continue", {
        error: "an answer that may call tools cannot be continued elsewhere",
        path: ["on_lost"],
      })
      .refine(({ tools, tool_choice }) => tool_choice === undefined || names(tool_choice, tools ?? []), {
        error: "needs `tools`, and names one of them",
        path: ["tool_choice"],
      }),
    progress: HandlerEvent,
    result: z.object({
      /** Without what is part of a tool call. */
      text: z.string(),
      tool_calls: z.array(ToolCall).optional(),
      finish_reason: FinishReason,
      /** The stop string that ended it. */
      stop: z.string().optional(),
      usage: Usage,
      timings: Timings,
      ...ran,
    }),
  },
} as const satisfies Table;

/** Only tools that are there can be asked for. */
const names = (choice: ToolChoice, tools: readonly Tool[]): boolean =>
  typeof choice === "string"
    ? choice === "none" || choice === "auto" || tools.length > 0
    : tools.some((tool) => tool.function.name === choice.function.name);
