import type { Logprob } from "@rbee/contracts";
import type { InferResult } from "../openai/chat-answer.ts";

const NS_PER_MS = 1_000_000;

export const line = (value: unknown): string => `${JSON.stringify(value)}\n`;

/** What every line begins with. @param model as it was asked for */
export const headOf = (model: string) => ({ model, created_at: new Date().toISOString() });

/** Numbers of the last line; times in nanoseconds. @param began when the request came, in milliseconds since the epoch */
export function countsOf({ timings, usage, finish_reason }: InferResult, began: number) {
  const ns = (ms: number) => Math.round(ms * NS_PER_MS);
  const total = Date.now() - began;
  return {
    done: true,
    done_reason: finish_reason === "length" ? "length" : "stop",
    total_duration: ns(total),
    load_duration: ns(Math.max(0, total - timings.wait_ms - timings.prompt_ms - timings.generation_ms)),
    prompt_eval_count: usage.prompt_tokens,
    prompt_eval_duration: ns(timings.prompt_ms),
    eval_count: usage.completion_tokens,
    eval_duration: ns(timings.generation_ms),
  };
}

/** A call as an object, whose arguments are one, too. */
export const callsOf = (result: InferResult) =>
  (result.tool_calls ?? []).map(({ id, function: { name, arguments: written } }, index) => ({
    id,
    function: { index, name, arguments: objectOf(written) },
  }));

function objectOf(written: string): unknown {
  try {
    return JSON.parse(written) as unknown;
  } catch {
    return {};
  }
}

export const logprobsOf = (logprobs: readonly Logprob[] | undefined) =>
  logprobs === undefined || logprobs.length === 0
    ? {}
    : { logprobs: logprobs.map(({ top, ...chosen }) => ({ ...chosen, top_logprobs: top })) };
