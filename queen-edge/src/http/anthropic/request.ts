import { limits } from "@rbee/contracts";
import { z } from "zod";
import { toolOf } from "../api/tools.ts";
import { BadRequest } from "../openai/errors.ts";
import { optional, parseBody } from "../openai/parse.ts";
import { dropUndefined, tokensOf, topK } from "../openai/sampling.ts";

/** A part of a message: text, a call, or what came of one. */
interface Block {
  readonly type: string;
  readonly text?: string | undefined;
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly input?: unknown;
  readonly tool_use_id?: string | undefined;
  readonly content?: string | readonly Block[] | undefined;
}

const Block: z.ZodType<Block> = z.looseObject({
  type: z.string(),
  text: optional(z.string()),
  id: optional(z.string()),
  name: optional(z.string()),
  tool_use_id: optional(z.string()),
  get content() {
    return optional(z.union([z.string(), z.array(Block)]));
  },
});
const Content = z.union([z.string(), z.array(Block)]);

const Tool = z.looseObject({
  type: optional(z.string()),
  name: z.string(),
  description: optional(z.string()),
  input_schema: optional(z.record(z.string(), z.unknown())),
});

const OutputFormat = z.looseObject({ type: z.literal("json_schema"), schema: z.record(z.string(), z.unknown()) });

const MessagesRequest = z.looseObject({
  model: z.string(),
  messages: z
    .array(z.looseObject({ role: z.enum(["user", "assistant", "system"]), content: Content }))
    .min(1)
    .max(limits.messages_max),
  system: optional(Content),
  max_tokens: z.int().min(1),
  stream: optional(z.boolean()),
  temperature: optional(z.number().min(0).max(1)),
  top_p: optional(z.number().gt(0).max(1)),
  top_k: optional(z.int().min(0)),
  output_config: optional(z.looseObject({ format: optional(OutputFormat) })),
  stop_sequences: optional(z.array(z.string().min(1)).max(limits.stop_strings_max)),
  tools: optional(z.array(Tool).max(limits.tools_max)),
  tool_choice: optional(
    z.looseObject({
      type: z.enum(["auto", "any", "tool", "none"]),
      name: optional(z.string()),
      disable_parallel_tool_use: optional(z.boolean()),
    }),
  ),
});
export type MessagesRequest = z.output<typeof MessagesRequest>;

/** @throws BadRequest */
export const parseMessages = (body: unknown): MessagesRequest => parseBody(MessagesRequest, body);

/** Counting asks for no answer. @throws BadRequest */
export const parseCount = (body: unknown): MessagesRequest =>
  parseBody(MessagesRequest, typeof body === "object" && body !== null ? { ...body, max_tokens: 1 } : body);

/** The operation's input. @throws BadRequest */
export function messagesInput(request: MessagesRequest): Record<string, unknown> {
  const { model, system, messages, temperature = 1, top_p, top_k, stop_sequences } = request;
  const format = request.output_config?.format;
  return dropUndefined({
    model,
    messages: [
      ...(system === undefined ? [] : [{ role: "system", content: textOf(system, "system") }]),
      ...messages.flatMap(({ role, content }, at) => messagesOf(role, content, `messages.${at}`)),
    ],
    max_tokens: tokensOf(request.max_tokens, limits.tokens_per_job_max),
    temperature,
    top_p: top_p ?? 1,
    top_k: topK(top_k),
    stop: stop_sequences,
    response_format: format === undefined ? undefined : { type: "json_schema", schema: format.schema },
    ...toolFields(request),
  });
}

/** One message is one line here, or several: what tools said comes in lines of its own. */
function messagesOf(role: string, content: string | readonly Block[], where: string): Record<string, unknown>[] {
  if (typeof content === "string") return [{ role, content }];
  const results = content.filter(({ type }) => type === "tool_result");
  const calls = content.filter(({ type }) => type === "tool_use");
  const rest = content.filter(
    ({ type }) => !["tool_result", "tool_use", "thinking", "redacted_thinking"].includes(type),
  );
  const text = textOf(rest, where);
  const said = results.map(({ tool_use_id, content: result = "" }) => ({
    role: "tool",
    tool_call_id: tool_use_id ?? "",
    content: textOf(result, where),
  }));
  if (calls.length > 0) return [{ role: "assistant", content: text, tool_calls: calls.map(callOf) }];
  return text === "" && said.length > 0 ? said : [...said, { role, content: text }];
}

const callOf = ({ id, name, input }: Block) => ({
  id: id ?? "",
  type: "function",
  function: { name: name ?? "", arguments: JSON.stringify(input ?? {}) },
});

/** @throws BadRequest for what is no text */
function textOf(content: string | readonly Block[], where: string): string {
  if (typeof content === "string") return content;
  return content
    .map(({ type, text }) => {
      if (type === "text" && text !== undefined) return text;
      throw new BadRequest(`${where}: no model here takes content of type '${type.slice(0, 64)}', only text`);
    })
    .join("\n");
}

function toolFields({ tools = [], tool_choice }: MessagesRequest): Record<string, unknown> {
  // Tools that Anthropic runs itself are not there, and so are not offered.
  const own = tools.filter(({ type = "custom" }) => type === "custom");
  if (own.length === 0) return {};
  const { type = "auto", name, disable_parallel_tool_use } = tool_choice ?? {};
  if (type === "tool" && !own.some((tool) => tool.name === name))
    throw new BadRequest(`tool_choice: no tool is called '${String(name).slice(0, 64)}'`);
  const named = { type: "function", function: { name } };
  return dropUndefined({
    tools: own.map(({ input_schema: parameters, ...tool }) => toolOf({ ...tool, parameters })),
    tool_choice: { auto: "auto", none: "none", any: "required", tool: named }[type],
    parallel_tool_calls: disable_parallel_tool_use === true ? false : undefined,
  });
}
