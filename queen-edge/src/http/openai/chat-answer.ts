import type { JobEvent, Logprob, OperationResult } from "@rbee/contracts";
import { logprobsOf, sse, SYSTEM_FINGERPRINT, usageOf } from "./wire.ts";

export type InferResult = OperationResult<"infer">;

/** What all chunks of one answer have in common. */
export interface Answering {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  /** Likelihoods were asked for. */
  readonly logprobs: boolean;
  /** One tool was named, to be called and nothing else. */
  readonly forced: boolean;
}

/** The result of a job's last event. */
export const resultOf = (event: JobEvent): InferResult | undefined =>
  event.type === "result" ? (event.result as unknown as InferResult) : undefined;

const headOf = ({ id, created, model }: Answering, object: string) => ({
  id,
  object,
  created,
  model,
  service_tier: "default",
  system_fingerprint: SYSTEM_FINGERPRINT,
});

/** Where the call was the client's choice and not the model's, OpenAI says that the model just stopped. */
const finishOf = ({ forced }: Answering, { finish_reason }: InferResult): string =>
  forced && finish_reason === "tool_calls" ? "stop" : finish_reason;

export interface Choice {
  readonly result: InferResult;
  readonly logprobs: readonly Logprob[];
}

/** The whole answer. @param usage of all choices together */
export const completion = (answering: Answering, choices: readonly Choice[], usage: InferResult["usage"]) => ({
  ...headOf(answering, "chat.completion"),
  choices: choices.map(({ result, logprobs }, index) => ({
    index,
    message: {
      role: "assistant",
      content: result.tool_calls === undefined || result.text.trim() !== "" ? result.text : null,
      refusal: null,
      annotations: [],
      ...(result.tool_calls === undefined ? {} : { tool_calls: result.tool_calls }),
    },
    logprobs: answering.logprobs ? { content: logprobsOf(logprobs), refusal: null } : null,
    finish_reason: finishOf(answering, result),
  })),
  usage: usageOf(usage),
});

/** One choice of a streamed answer: events in, chunks out. */
export class ChatChunks {
  readonly #answering: Answering;
  readonly #index: number;
  /** `null` in every chunk but the last, where the usage was asked for. */
  readonly #usage: { usage?: null };
  #begun = false;

  constructor(answering: Answering, options: { index: number; includeUsage: boolean }) {
    this.#answering = answering;
    this.#index = options.index;
    this.#usage = options.includeUsage ? { usage: null } : {};
  }

  take(event: JobEvent): string {
    const result = resultOf(event);
    if (result !== undefined)
      return this.#begin("") + this.#chunk({}, { finish_reason: finishOf(this.#answering, result) });
    if (event.type !== "token") return "";
    const { text, tool_call, logprobs } = event;
    if (tool_call === undefined) return this.#begin("") + this.#chunk({ content: text }, this.#likely(logprobs));
    const { index, id, name, arguments: written } = tool_call;
    if (written === undefined) return "";
    const call =
      id === undefined
        ? { index, function: { arguments: written } }
        : { index, id, type: "function", function: { name, arguments: written } };
    return this.#begin(null) + this.#chunk({ tool_calls: [call] }, this.#likely(logprobs));
  }

  /** The role comes first, by itself. */
  #begin(content: string | null): string {
    if (this.#begun) return "";
    this.#begun = true;
    return this.#chunk({ role: "assistant", content, refusal: null }, {});
  }

  #likely(logprobs: readonly Logprob[] | undefined): { logprobs?: object } {
    if (!this.#answering.logprobs) return {};
    return { logprobs: { content: logprobsOf(logprobs ?? []), refusal: null } };
  }

  #chunk(delta: object, more: { finish_reason?: string; logprobs?: object }): string {
    const { finish_reason = null, logprobs = null } = more;
    const choices = [{ index: this.#index, delta, logprobs, finish_reason }];
    return sse({ ...headOf(this.#answering, "chat.completion.chunk"), choices, ...this.#usage });
  }
}

/** The chunk behind all choices, where the usage was asked for. */
export const usageChunk = (answering: Answering, usage: InferResult["usage"]): string =>
  sse({ ...headOf(answering, "chat.completion.chunk"), choices: [], usage: usageOf(usage) });
