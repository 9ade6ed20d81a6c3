import type { ChatMessage, JobView, Problem } from "@rbee/contracts";
import type { InferResult } from "./chat-answer.ts";
import { idOf } from "./wire.ts";

/** What is known of a response from the moment it was asked for. */
export interface Asked {
  readonly job_id: string;
  /** Milliseconds since the epoch. */
  readonly submitted_at: number;
  /** The operation's input, with the note of the request in it. */
  readonly input: Readonly<Record<string, unknown>>;
}

export type Status = "queued" | "in_progress" | "completed" | "incomplete" | "failed" | "cancelled";

/** A whole answer, and the items that it consists of, in the order in which they were said. */
export interface Said {
  readonly result: InferResult;
  readonly output: readonly ReturnType<typeof outputItem>[];
}

interface Now {
  readonly status: Status;
  readonly said?: Said | undefined;
  readonly error?: Pick<Problem, "code" | "detail"> | undefined;
  /** When it was over, in milliseconds since the epoch; now unless given. */
  readonly ended_at?: number | undefined;
}

/** Jobs of other requests are no responses. */
export const noteIn = ({ input }: Pick<Asked, "input">): Record<string, unknown> | undefined => {
  const note = input["note"] as Record<string, unknown> | undefined;
  return note?.["api"] === "responses" ? note : undefined;
};

export const responseId = (job_id: string): string => idOf("resp_", job_id);
export const jobOfResponse = (id: string): string | undefined =>
  /^resp_([a-z2-7]{26})$/.exec(id)?.[1]?.replace(/^/, "job_");
/** Ids of items begin with that of the response they are part of. */
export const responseOfItem = (id: string): string | undefined =>
  /^(?:msg|fc)_([a-z2-7]{26})\d*$/.exec(id)?.[1]?.replace(/^/, "resp_");

/** The whole object, as it is told with every event and when it is asked for. */
export function responseObject(asked: Asked, { status, said, error, ended_at = Date.now() }: Now) {
  const note = noteIn(asked) ?? {};
  const { input } = asked;
  const done = status === "completed" || status === "incomplete";
  return {
    id: responseId(asked.job_id),
    object: "response",
    created_at: Math.floor(asked.submitted_at / 1_000),
    status,
    background: note["background"] ?? false,
    completed_at: status === "completed" ? Math.floor(ended_at / 1_000) : null,
    error: error === undefined ? null : { code: codeOf(error.code), message: error.detail },
    incomplete_details: status === "incomplete" ? { reason: "max_output_tokens" } : null,
    instructions: note["instructions"] ?? null,
    max_output_tokens: note["max_output_tokens"] ?? null,
    max_tool_calls: null,
    model: input["model"],
    output: said !== undefined && done ? said.output : [],
    parallel_tool_calls: note["parallel_tool_calls"] ?? true,
    previous_response_id: note["previous_response_id"] ?? null,
    reasoning: { effort: null, summary: null, ...(note["reasoning"] as object | undefined) },
    service_tier: "default",
    store: note["store"] ?? true,
    temperature: note["temperature"] ?? 1,
    text: note["text"] ?? { format: { type: "text" } },
    tool_choice: note["tool_choice"] ?? "auto",
    tools: toolsOf(input["tools"], note["strict"]),
    presence_penalty: input["presence_penalty"] ?? 0,
    frequency_penalty: input["frequency_penalty"] ?? 0,
    top_logprobs: 0,
    top_p: note["top_p"] ?? 1,
    truncation: note["truncation"] ?? "disabled",
    usage: said === undefined ? null : usageOf(said.result.usage),
    user: note["user"] ?? null,
    safety_identifier: note["safety_identifier"] ?? null,
    prompt_cache_key: note["prompt_cache_key"] ?? null,
    metadata: note["metadata"] ?? {},
  };
}

const codeOf = (code: Problem["code"]): string => {
  if (code === "queue_full") return "rate_limit_exceeded";
  return code === "context_length_exceeded" || code === "invalid_input" ? "invalid_prompt" : "server_error";
};

/** A part of an answer. The place among the others is part of its name. */
export interface Item {
  readonly output_index: number;
  /** Absent: it is text. */
  readonly call?: { readonly id: string; readonly name: string };
  written: string;
  status: "in_progress" | "completed" | "incomplete";
}

export const itemId = (job_id: string, { call, output_index }: Pick<Item, "call" | "output_index">): string =>
  `${idOf(call === undefined ? "msg_" : "fc_", job_id)}${output_index}`;

export function outputItem(job_id: string, item: Item) {
  const { call, status, written } = item;
  const id = itemId(job_id, item);
  if (call !== undefined)
    return { id, type: "function_call", status, call_id: call.id, name: call.name, arguments: written };
  const content = status === "in_progress" ? [] : [textPart(written)];
  return { id, type: "message", status, role: "assistant", content };
}

export const textPart = (text: string) => ({ type: "output_text", text, annotations: [], logprobs: [] });

const usageOf = ({ prompt_tokens, cached_tokens, completion_tokens, total_tokens }: InferResult["usage"]) => ({
  input_tokens: prompt_tokens,
  input_tokens_details: { cached_tokens },
  output_tokens: completion_tokens,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens,
});

/** @param strict names of those that were asked for so */
const toolsOf = (tools: unknown, strict: unknown) =>
  ((tools ?? []) as { function: Record<string, unknown> }[]).map(({ function: { name, description, parameters } }) => ({
    type: "function",
    name,
    description: description ?? null,
    parameters: parameters ?? null,
    strict: ((strict ?? []) as unknown[]).includes(name),
  }));

/** A job as a response, now. @param said once it is over */
export function responseNow(asked: Asked, view: JobView, said?: Said) {
  const { error, finished_at: ended_at } = view;
  return responseObject(asked, { status: statusOf(view, said), said, error, ended_at });
}

function statusOf({ state, cancelling }: JobView, said: Said | undefined): Status {
  if (cancelling) return "cancelled";
  switch (state) {
    case "queued":
      return "queued";
    case "dispatched":
    case "running":
      return "in_progress";
    case "succeeded":
      return said?.result.finish_reason === "length" ? "incomplete" : "completed";
    case "failed":
    case "cancelled":
      return state;
  }
}

/** The conversation up to a response. Its instructions were only for it. */
export function conversationBefore(asked: Asked): readonly ChatMessage[] {
  const said = (asked.input["messages"] ?? []) as ChatMessage[];
  return noteIn(asked)?.["instructions"] === undefined ? said : said.slice(1);
}

/** The conversation up to and with a response, for the next one. */
export function conversationOf(asked: Asked, { text, tool_calls }: InferResult): ChatMessage[] {
  const answer = { role: "assistant" as const, content: text, ...(tool_calls === undefined ? {} : { tool_calls }) };
  return [...conversationBefore(asked), answer];
}
