import { limits } from "@rbee/contracts";
import { z } from "zod";
import { toolOf } from "../api/tools.ts";
import { BadRequest } from "./errors.ts";
import { optional, parseBody, refuseStreamOptions } from "./parse.ts";
import { dropUndefined, samplingFields, samplingOf, tokensOf } from "./sampling.ts";

const Part = z.looseObject({ type: z.string(), text: optional(z.string()) });
const Content = z.union([z.string(), z.array(Part)], { error: "it must be a string or an array of content parts" });

const ToolCall = z.looseObject({
  id: z.string(),
  function: z.looseObject({ name: z.string(), arguments: z.string() }),
});

const Message = z.looseObject({
  role: z.enum(["system", "developer", "user", "assistant", "tool"]),
  content: optional(Content),
  tool_calls: optional(z.array(ToolCall)),
  tool_call_id: optional(z.string()),
});

const FunctionTool = z.looseObject({
  type: z.literal("function", { error: "only tools of type 'function' are known here" }),
  function: z.looseObject({
    name: z.string().regex(/^[A-Za-z0-9_.-]{1,128}$/, "it must be letters, digits, underscores and dashes"),
    description: optional(z.string()),
    parameters: optional(z.record(z.string(), z.unknown())),
    strict: optional(z.boolean()),
  }),
});
type FunctionTool = z.output<typeof FunctionTool>;

const NamedTool = z.looseObject({ type: z.literal("function"), function: z.looseObject({ name: z.string() }) });
const AllowedTools = z.looseObject({
  type: z.literal("allowed_tools"),
  allowed_tools: z.looseObject({ mode: z.enum(["auto", "required"]), tools: z.array(NamedTool) }),
});
const ToolChoice = z.union([z.enum(["none", "auto", "required"]), NamedTool, AllowedTools], {
  error: "it must be 'none', 'auto', 'required' or an object that names a tool",
});

export const ResponseFormat = z.discriminatedUnion("type", [
  z.looseObject({ type: z.literal("text") }),
  z.looseObject({ type: z.literal("json_object") }),
  z.looseObject({
    type: z.literal("json_schema"),
    json_schema: z.looseObject({
      name: z.string(),
      schema: z.record(z.string(), z.unknown()),
      strict: optional(z.boolean()),
    }),
  }),
]);

export const ChatRequest = z.looseObject({
  model: z.string(),
  messages: z.array(Message).min(1).max(limits.messages_max),
  stream: optional(z.boolean()),
  stream_options: optional(z.looseObject({ include_usage: optional(z.boolean()) })),
  n: optional(z.int().min(1).max(limits.api_choices_max)),
  max_tokens: optional(z.int().min(1)),
  max_completion_tokens: optional(z.int().min(1)),
  logprobs: optional(z.boolean()),
  top_logprobs: optional(z.int().min(0).max(limits.logprobs_max)),
  response_format: optional(ResponseFormat),
  tools: optional(z.array(FunctionTool).max(limits.tools_max)),
  tool_choice: optional(ToolChoice),
  parallel_tool_calls: optional(z.boolean()),
  ...samplingFields,
});
export type ChatRequest = z.output<typeof ChatRequest>;

/** @throws BadRequest */
export function parseChat(body: unknown): ChatRequest {
  const request = parseBody(ChatRequest, body);
  refuseStreamOptions(request);
  for (const older of ["functions", "function_call"])
    if (request[older] !== undefined && request[older] !== null)
      throw new BadRequest(
        `'${older}' is not known here: use 'tools' and 'tool_choice'.`,
        older,
        "unsupported_parameter",
      );
  if (request.top_logprobs !== undefined && request.logprobs !== true)
    throw new BadRequest("The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.", "top_logprobs");
  return request;
}

/** The operation's input for one of the answers. @throws BadRequest */
export function chatInput(request: ChatRequest, choice: number): Record<string, unknown> {
  const { model, messages, logprobs, top_logprobs = 0, response_format } = request;
  return dropUndefined({
    model,
    messages: messages.map(messageOf),
    max_tokens: tokensOf(request.max_completion_tokens ?? request.max_tokens, limits.tokens_per_job_max),
    logprobs: logprobs === true ? top_logprobs : undefined,
    response_format: response_format === undefined ? undefined : formatOf(response_format),
    ...toolFields(request),
    ...samplingOf(request, choice),
  });
}

function messageOf({ role, content, tool_calls, tool_call_id }: z.output<typeof Message>, at: number) {
  if (content === undefined && (role !== "assistant" || tool_calls === undefined))
    throw new BadRequest(
      `Invalid value for 'messages[${at}].content': expected a string, got null.`,
      `messages[${at}].content`,
      "invalid_value",
    );
  const calls = tool_calls?.map(({ id, function: { name, arguments: text } }) => ({
    id,
    type: "function",
    function: { name, arguments: text },
  }));
  return dropUndefined({
    role,
    content: textOf(content ?? "", `messages.[${at}].content`),
    tool_calls: calls === undefined || calls.length === 0 ? undefined : calls,
    tool_call_id,
  });
}

/** Text, or the text of all parts; a picture that was dropped in silence would be missed. @throws BadRequest */
export function textOf(content: string | readonly z.output<typeof Part>[], where: string): string {
  if (typeof content === "string") return content;
  return content
    .map(({ type, text }, at) => {
      if (/^(text|input_text|output_text)$/.test(type)) {
        if (text !== undefined) return text;
        const param = `${where}.[${at}].text`;
        throw new BadRequest(`Missing required parameter: '${param}'.`, param, "missing_required_parameter");
      }
      throw new BadRequest(
        `Invalid content type: no model here takes ${JSON.stringify(type)}, only text.`,
        `${where}.[${at}].type`,
        "unsupported_content_type",
      );
    })
    .join("");
}

/** Schemas that are not strict are kept as far as the grammar can. */
export function formatOf(format: z.output<typeof ResponseFormat>): Record<string, unknown> {
  if (format.type !== "json_schema") return { type: format.type };
  const { schema, strict } = format.json_schema;
  return { type: "json_schema", schema, ...(strict === true ? {} : { strict: false }) };
}

export type ToolFields = Pick<ChatRequest, "tools" | "tool_choice" | "parallel_tool_calls">;

/** @throws BadRequest */
export function toolFields({ tools = [], tool_choice, parallel_tool_calls }: ToolFields): Record<string, unknown> {
  if (tools.length === 0) {
    if (tool_choice === undefined || tool_choice === "auto" || tool_choice === "none") return {};
    throw new BadRequest("'tool_choice' is only allowed when 'tools' are specified.", "tool_choice");
  }
  const { choice, offered } = choose(tools, tool_choice);
  return dropUndefined({
    tools: offered.map((tool) => toolOf(tool.function)),
    tool_choice: choice,
    parallel_tool_calls,
  });
}

function choose(tools: readonly FunctionTool[], choice: ChatRequest["tool_choice"]) {
  if (choice === undefined || typeof choice === "string") return { choice, offered: tools };
  const wanted = choice.type === "function" ? [choice] : choice.allowed_tools.tools;
  const names = wanted.map((tool) => tool.function.name);
  const unknown = names.find((name) => !tools.some((tool) => tool.function.name === name));
  if (unknown !== undefined)
    throw new BadRequest(
      `Invalid value for 'tool_choice': no tool is called '${unknown}'.`,
      "tool_choice",
      "invalid_value",
    );
  if (choice.type === "function") return { choice: { type: "function", function: { name: names[0] } }, offered: tools };
  const offered = tools.filter((tool) => names.includes(tool.function.name));
  return { choice: choice.allowed_tools.mode, offered };
}
