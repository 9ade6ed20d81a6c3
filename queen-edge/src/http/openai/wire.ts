import type { OperationResult, Logprob } from "@rbee/contracts";

type Usage = OperationResult<"infer">["usage"];

/** The same engine with the same seed answers alike; that is all there is to say about it. */
export const SYSTEM_FINGERPRINT = "fp_rbee";

export const seconds = (): number => Math.floor(Date.now() / 1_000);

/** Ids of answers are those of their jobs, so that either finds the other. */
export const idOf = (prefix: string, job_id: string): string => `${prefix}${job_id.slice("job_".length)}`;

export const sse = (data: unknown): string => `data: ${JSON.stringify(data)}\n\n`;
export const DONE = "data: [DONE]\n\n";

export const usageOf = ({ prompt_tokens, completion_tokens, total_tokens, cached_tokens }: Usage) => ({
  prompt_tokens,
  completion_tokens,
  total_tokens,
  prompt_tokens_details: { cached_tokens, audio_tokens: 0 },
  completion_tokens_details: {
    reasoning_tokens: 0,
    audio_tokens: 0,
    accepted_prediction_tokens: 0,
    rejected_prediction_tokens: 0,
  },
});

/** What several answers to one prompt cost together: the prompt counts once. */
export function usageOfAll(usages: readonly Usage[]): Usage {
  const [first] = usages;
  const prompt_tokens = first?.prompt_tokens ?? 0;
  const completion_tokens = usages.reduce((sum, usage) => sum + usage.completion_tokens, 0);
  return {
    prompt_tokens,
    cached_tokens: first?.cached_tokens ?? 0,
    completion_tokens,
    total_tokens: prompt_tokens + completion_tokens,
  };
}

/** As `logprobs.content` has them. */
export const logprobsOf = (logprobs: readonly Logprob[]) =>
  logprobs.map(({ top, ...chosen }) => ({ ...chosen, top_logprobs: top }));
