import { KeepAlive, limits } from "@rbee/contracts";
import { z } from "zod";
import { toolOf } from "../api/tools.ts";
import { BadRequest } from "../openai/errors.ts";
import { optional } from "../openai/parse.ts";
import { dropUndefined, samplingOf, tokensOf } from "../openai/sampling.ts";

const Options = z.looseObject({
  temperature: optional(z.number().min(0).max(5)),
  top_p: optional(z.number().min(0).max(1)),
  top_k: optional(z.int()),
  min_p: optional(z.number().min(0).max(1)),
  seed: optional(z.int()),
  num_predict: optional(z.int()),
  repeat_penalty: optional(z.number().gt(0).max(2)),
  presence_penalty: optional(z.number().min(-2).max(2)),
  frequency_penalty: optional(z.number().min(-2).max(2)),
  stop: optional(z.union([z.string(), z.array(z.string()).max(limits.stop_strings_max)])),
});

type Options = z.output<typeof Options>;

const Format = z.union([z.literal("json"), z.literal(""), z.record(z.string(), z.unknown())]);

const shared = {
  model: z.string(),
  stream: optional(z.boolean()),
  format: optional(Format),
  options: optional(Options),
  logprobs: optional(z.boolean()),
  keep_alive: optional(KeepAlive),
  top_logprobs: optional(z.int().min(0).max(limits.logprobs_max)),
};

const Call = z.looseObject({
  id: optional(z.string()),
  function: z.looseObject({
    name: z.string(),
    arguments: optional(z.union([z.record(z.string(), z.unknown()), z.string()])),
  }),
});

const Message = z.looseObject({
  role: z.enum(["system", "user", "assistant", "tool"]),
  content: optional(z.string()),
  images: optional(z.array(z.unknown())),
  tool_calls: optional(z.array(Call)),
  tool_name: optional(z.string()),
  tool_call_id: optional(z.string()),
});
type Message = z.output<typeof Message>;

export const ChatRequest = z.looseObject({
  ...shared,
  messages: optional(z.array(Message).max(limits.messages_max)),
  tools: optional(
    z
      .array(
        z.looseObject({
          type: z.literal("function"),
          function: z.looseObject({
            name: z.string(),
            description: optional(z.string()),
            parameters: optional(z.record(z.string(), z.unknown())),
          }),
        }),
      )
      .max(limits.tools_max),
  ),
});
export type ChatRequest = z.output<typeof ChatRequest>;

export const GenerateRequest = z.looseObject({
  ...shared,
  prompt: optional(z.string()),
  suffix: optional(z.string()),
  system: optional(z.string()),
  raw: optional(z.boolean()),
  images: optional(z.array(z.unknown())),
});
export type GenerateRequest = z.output<typeof GenerateRequest>;

type Shared = z.output<z.ZodObject<typeof shared>>;

/** `bee-tiny:latest` is bee-tiny: the tag that Ollama adds to names without one. */
export const modelName = (name: string): string => name.replace(/:latest$/, "");

function sharedInput({
  model,
  format,
  options: given,
  keep_alive,
  logprobs,
  top_logprobs = 0,
}: Shared): Record<string, unknown> {
  const options: Partial<Options> = given ?? {};
  const { num_predict = -1, repeat_penalty, temperature = 0.8, top_p = 0.9 } = options;
  // Ollama's default, which means any.
  const seed = options.seed === -1 ? undefined : options.seed;
  return dropUndefined({
    model: modelName(model),
    keep_alive,
    // Below zero means: until the model or its context ends.
    max_tokens: tokensOf(num_predict > 0 ? num_predict : undefined, limits.tokens_per_job_max),
    response_format:
      format === undefined || format === ""
        ? undefined
        : format === "json"
          ? { type: "json_object" }
          : { type: "json_schema", schema: format, strict: false },
    logprobs: logprobs === true ? top_logprobs : undefined,
    ...samplingOf({ ...options, temperature, top_p, seed, repetition_penalty: repeat_penalty }),
  });
}

/** @throws BadRequest */
export function chatInput(request: ChatRequest): Record<string, unknown> {
  const { messages = [], tools = [] } = request;
  return dropUndefined({
    ...sharedInput(request),
    messages: messagesOf(messages),
    tools: tools.length === 0 ? undefined : tools.map((tool) => toolOf(tool.function)),
  });
}

interface Called {
  /** Its name here: those of clients may be missing, or twice the same. */
  readonly id: string;
  /** Its name there. */
  readonly given: string | undefined;
  readonly name: string;
}

function messagesOf(messages: readonly Message[]): Record<string, unknown>[] {
  let made = 0;
  const unanswered: Called[] = [];
  return messages.map((message) => {
    const { role, content = "", images = [], tool_calls = [] } = message;
    if (images.length > 0) throw new BadRequest("no model here sees pictures");
    if (role === "tool") {
      const [answered] = unanswered.splice(answeredBy(message, unanswered), 1);
      return { role, content, tool_call_id: answered?.id ?? `call_${made++}` };
    }
    const calls = tool_calls.map(({ id: given, function: { name, arguments: args = {} } }) => {
      const id = `call_${made++}`;
      unanswered.push({ id, given, name });
      const written = typeof args === "string" ? args : JSON.stringify(args);
      return { id, type: "function", function: { name, arguments: written } };
    });
    return { role, content, ...(calls.length === 0 ? {} : { tool_calls: calls }) };
  });
}

/** The call that a result belongs to: the one that it names, else the first to its tool, else the first. */
function answeredBy({ tool_call_id, tool_name }: Message, calls: readonly Called[]): number {
  const named = calls.findIndex(({ given }) => given !== undefined && given === tool_call_id);
  return named >= 0
    ? named
    : Math.max(
        0,
        calls.findIndex(({ name }) => name === tool_name),
      );
}

/** @throws BadRequest */
export function generateInput(request: GenerateRequest): Record<string, unknown> {
  const { prompt = "", suffix, system = "", raw = false, images = [] } = request;
  if (images.length > 0) throw new BadRequest("no model here sees pictures");
  const rest = sharedInput(request);
  if (suffix !== undefined && suffix !== "") return { ...rest, prompt, suffix, raw: true };
  if (raw || system === "") return { ...rest, prompt, raw };
  return {
    ...rest,
    messages: [
      { role: "system", content: system },
      { role: "user", content: prompt },
    ],
  };
}
