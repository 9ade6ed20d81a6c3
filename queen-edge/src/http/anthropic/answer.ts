import type { JobEvent } from "@rbee/contracts";
import { resultOf, type InferResult } from "../openai/chat-answer.ts";
import { idOf } from "../openai/wire.ts";

const stopOf = ({ finish_reason, stop }: InferResult) => ({
  stop_reason:
    finish_reason === "tool_calls"
      ? "tool_use"
      : finish_reason === "length"
        ? "max_tokens"
        : stop === undefined
          ? "end_turn"
          : "stop_sequence",
  stop_sequence: stop ?? null,
});

type Usage = Pick<InferResult["usage"], "prompt_tokens" | "cached_tokens" | "completion_tokens">;

/** Tokens that were still in the engine are told apart from those that were read again. */
const usageOf = ({ prompt_tokens, cached_tokens, completion_tokens }: Usage) => ({
  input_tokens: prompt_tokens - cached_tokens,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: cached_tokens,
  output_tokens: completion_tokens,
  service_tier: "standard",
});

const messageOf = (job_id: string, model: string) => ({
  id: idOf("msg_", job_id),
  type: "message",
  role: "assistant",
  model,
});

/** The whole answer. */
export function message(job_id: string, model: string, result: InferResult) {
  const { text, tool_calls = [] } = result;
  const content = [
    ...(text.trim() === "" && tool_calls.length > 0 ? [] : [{ type: "text", text }]),
    ...tool_calls.map(({ id, function: { name, arguments: written } }) => ({
      type: "tool_use",
      id: toolId(id),
      name,
      input: objectOf(written),
    })),
  ];
  return { ...messageOf(job_id, model), content, ...stopOf(result), usage: usageOf(result.usage) };
}

/** As clients expect them to begin. */
const toolId = (id: string): string => id.replace(/^call_/, "toolu_");

/** A call that was cut off has no arguments that anyone could use. */
function objectOf(written: string): unknown {
  try {
    return JSON.parse(written) as unknown;
  } catch {
    return {};
  }
}

/** A streamed answer: events in, events out. */
export class MessageEvents {
  readonly #job_id: string;
  readonly #model: string;
  #begun = false;
  /** Of servers that tell it at the end only, nothing is known before. */
  #prompt = { prompt_tokens: 0, cached_tokens: 0 };
  #block = -1;
  #open: "text" | number | undefined;

  constructor(job_id: string, model: string) {
    this.#job_id = job_id;
    this.#model = model;
  }

  take(event: JobEvent): string {
    const result = resultOf(event);
    if (result !== undefined) return this.#begin(result.usage) + this.#end(result);
    if (event.type !== "token") return "";
    const { text, tool_call, prompt } = event;
    if (prompt !== undefined) this.#prompt = { prompt_tokens: prompt.tokens, cached_tokens: prompt.cached_tokens };
    if (tool_call === undefined) return this.#begin() + this.#openText() + this.#delta({ type: "text_delta", text });
    const { index, id, name, arguments: written } = tool_call;
    if (written === undefined) return "";
    const begun = this.#begin() + (id === undefined ? "" : this.#openCall(index, { id, name: name ?? "" }));
    return begun + (written === "" ? "" : this.#delta({ type: "input_json_delta", partial_json: written }));
  }

  #begin(prompt = this.#prompt): string {
    if (this.#begun) return "";
    this.#begun = true;
    const usage = usageOf({ ...prompt, completion_tokens: 0 });
    const empty = { content: [], stop_reason: null, stop_sequence: null, usage };
    const started = sse("message_start", { message: { ...messageOf(this.#job_id, this.#model), ...empty } });
    return started + sse("ping", {});
  }

  #openText(): string {
    if (this.#open === "text") return "";
    const closed = this.#close();
    this.#open = "text";
    return closed + this.#start({ type: "text", text: "" });
  }

  #openCall(index: number, { id, name }: { id: string; name: string }): string {
    const closed = this.#close();
    this.#open = index;
    return closed + this.#start({ type: "tool_use", id: toolId(id), name, input: {} });
  }

  #start(content_block: object): string {
    this.#block += 1;
    return sse("content_block_start", { index: this.#block, content_block });
  }

  #delta(delta: object): string {
    return sse("content_block_delta", { index: this.#block, delta });
  }

  #close(): string {
    const open = this.#open;
    this.#open = undefined;
    return open === undefined ? "" : sse("content_block_stop", { index: this.#block });
  }

  #end(result: InferResult): string {
    const empty = this.#block < 0 ? this.#openText() : "";
    const closed = empty + this.#close();
    const { service_tier: _tier, ...usage } = usageOf(result.usage);
    return closed + sse("message_delta", { delta: stopOf(result), usage }) + sse("message_stop", {});
  }
}

const sse = (type: string, fields: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
