import { limits, type ChatMessage } from "@rbee/contracts";
import { z } from "zod";
import { formatOf, textOf, toolFields, type ToolFields } from "./chat-request.ts";
import { BadRequest } from "./errors.ts";
import { optional, parseBody } from "./parse.ts";
import { dropUndefined, samplingFields, samplingOf, tokensOf } from "./sampling.ts";

const Part = z.looseObject({ type: z.string(), text: optional(z.string()) });
const Content = z.union([z.string(), z.array(Part)]);

/** What a conversation consists of here: lines, calls and what came of them. */
export const Item = z.looseObject({
  type: optional(z.string()),
  role: optional(z.enum(["system", "developer", "user", "assistant"])),
  content: optional(Content),
  id: optional(z.string()),
  call_id: optional(z.string()),
  name: optional(z.string()),
  arguments: optional(z.string()),
  output: optional(Content),
});
type Item = z.output<typeof Item>;

const Tool = z.looseObject({
  type: z.string(),
  name: optional(z.string()),
  description: optional(z.string()),
  parameters: optional(z.record(z.string(), z.unknown())),
  strict: optional(z.boolean()),
});

const NamedTool = z.looseObject({ type: z.literal("function"), name: z.string() });
const AllowedTools = z.looseObject({
  type: z.literal("allowed_tools"),
  mode: z.enum(["auto", "required"]),
  tools: z.array(NamedTool),
});
const ToolChoice = z.union([z.enum(["none", "auto", "required"]), NamedTool, AllowedTools], {
  error: "it must be 'none', 'auto', 'required' or an object that names functions",
});

const Format = z.discriminatedUnion("type", [
  z.looseObject({ type: z.literal("text") }),
  z.looseObject({ type: z.literal("json_object") }),
  z.looseObject({
    type: z.literal("json_schema"),
    name: z.string(),
    schema: z.record(z.string(), z.unknown()),
    strict: optional(z.boolean()),
  }),
]);

const ResponsesRequest = z.looseObject({
  model: z.string(),
  input: z.union([z.string(), z.array(Item).min(1).max(limits.messages_max)]),
  instructions: optional(z.string()),
  stream: optional(z.boolean()),
  background: optional(z.boolean()),
  store: optional(z.boolean()),
  previous_response_id: optional(z.string()),
  max_output_tokens: optional(z.int().min(1)),
  metadata: optional(z.record(z.string(), z.string())),
  text: optional(z.looseObject({ format: optional(Format) })),
  tools: optional(z.array(Tool).max(limits.tools_max)),
  tool_choice: optional(ToolChoice),
  parallel_tool_calls: optional(z.boolean()),
  reasoning: optional(z.looseObject({})),
  truncation: optional(z.enum(["auto", "disabled"])),
  safety_identifier: optional(z.string()),
  ...samplingFields,
});
export type ResponsesRequest = z.output<typeof ResponsesRequest>;

/** @throws BadRequest */
export function parseResponses(body: unknown): ResponsesRequest {
  const request = parseBody(ResponsesRequest, body);
  if (request.background === true && request.store === false)
    throw new BadRequest("A response in the background has to be stored.", "store", "invalid_value");
  return request;
}

/** What is said again as it was asked. */
const SAID_AGAIN = [
  "background",
  "instructions",
  "max_output_tokens",
  "metadata",
  "parallel_tool_calls",
  "previous_response_id",
  "prompt_cache_key",
  "reasoning",
  "safety_identifier",
  "store",
  "temperature",
  "tool_choice",
  "top_p",
  "truncation",
  "user",
] as const satisfies readonly (keyof ResponsesRequest)[];

/** What is said again when a response is asked for. Kept with its job, which no hive sees. */
function noteOf(request: ResponsesRequest): Record<string, unknown> {
  const { text, tools } = request;
  return dropUndefined({
    api: "responses",
    ...Object.fromEntries(SAID_AGAIN.map((name) => [name, request[name]])),
    text: text === undefined ? undefined : { ...text, format: text.format ?? { type: "text" } },
    // Everything else of the tools is in the input.
    strict: tools?.filter((tool) => tool.strict === true).map(({ name }) => name),
  });
}

/** The operation's input. @param earlier the conversation so far @throws BadRequest */
export function responsesInput(request: ResponsesRequest, earlier: readonly ChatMessage[]): Record<string, unknown> {
  const { model, instructions, input, text } = request;
  const said = typeof input === "string" ? [{ role: "user", content: input }] : messagesOf(input);
  const system = instructions === undefined ? [] : [{ role: "system", content: instructions }];
  return dropUndefined({
    model,
    messages: [...system, ...earlier, ...said],
    max_tokens: tokensOf(request.max_output_tokens, limits.tokens_per_job_max),
    response_format: text?.format === undefined ? undefined : formatOf(chatFormat(text.format)),
    ...toolFields(chatTools(request)),
    ...samplingOf(request),
    note: noteOf(request),
  });
}

function messagesOf(items: readonly Item[]): Record<string, unknown>[] {
  const messages: Record<string, unknown>[] = [];
  for (const [at, item] of items.entries()) {
    const { type = "message", role, content, call_id, name, arguments: written, output } = item;
    if (type === "message" && role !== undefined) {
      messages.push({ role, content: textOf(content ?? "", `input.[${at}].content`) });
    } else if (type === "function_call" && call_id !== undefined && name !== undefined) {
      callsOf(messages).push({ id: call_id, type: "function", function: { name, arguments: written ?? "{}" } });
    } else if (type === "function_call_output" && call_id !== undefined) {
      messages.push({ role: "tool", tool_call_id: call_id, content: textOf(output ?? "", `input.[${at}].output`) });
    } else if (type !== "reasoning") {
      throw new BadRequest(`Invalid value: '${type.slice(0, 64)}' is not known here.`, `input[${at}]`, "invalid_value");
    }
  }
  return messages;
}

/** Calls of one turn belong together: they go to the assistant's last line, or to a line of their own. */
function callsOf(messages: Record<string, unknown>[]): unknown[] {
  let last = messages.at(-1);
  if (last?.["role"] !== "assistant") messages.push((last = { role: "assistant", content: "" }));
  const calls = (last["tool_calls"] ?? []) as unknown[];
  last["tool_calls"] = calls;
  return calls;
}

type Format = z.output<typeof Format>;

const chatFormat = (format: Format): Parameters<typeof formatOf>[0] =>
  format.type === "json_schema"
    ? { type: "json_schema", json_schema: { name: format.name, schema: format.schema, strict: format.strict } }
    : format;

/** Tools that others run (web search, …) are not there, and so are not offered. */
function chatTools({ tools = [], tool_choice: choice, parallel_tool_calls }: ResponsesRequest) {
  const functions = tools.flatMap(({ type, name, description, parameters }) =>
    type === "function" && name !== undefined
      ? [{ type: "function" as const, function: { name, description, parameters, strict: undefined } }]
      : [],
  );
  return { tools: functions, tool_choice: chatChoice(choice), parallel_tool_calls };
}

const chatNamed = ({ name }: z.output<typeof NamedTool>) => ({ type: "function" as const, function: { name } });

/** As chat completions have it. */
function chatChoice(choice: ResponsesRequest["tool_choice"]): ToolFields["tool_choice"] {
  if (choice === undefined || typeof choice === "string") return choice;
  if (choice.type === "function") return chatNamed(choice);
  const { type, mode, tools } = choice;
  return { type, allowed_tools: { mode, tools: tools.map(chatNamed) } };
}
