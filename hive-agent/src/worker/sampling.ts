import type { Generation } from "@rbee/contracts";
import type { SequenceEvaluateOptions, Token } from "node-llama-cpp";
import { randomInt } from "node:crypto";
import type { AnswerGrammar } from "./grammar.ts";
import type { ArgumentsGrammar } from "./tools/arguments-grammar.ts";
import type { CallStream } from "./tools/call-stream.ts";

const SEEDS = 2 ** 32;

export interface Sampling {
  readonly generation: Generation;
  readonly grammar: AnswerGrammar | undefined;
  readonly calls: CallStream | undefined;
  /** Holds arguments to their schemas. */
  readonly followed: ArgumentsGrammar | undefined;
  /** Grows while the answer does. */
  readonly generated: Token[];
}

/** How the engine chooses each token. */
export function sampling({ generation, grammar, calls, generated, followed }: Sampling): SequenceEvaluateOptions {
  return {
    temperature: generation.temperature,
    topP: generation.top_p,
    topK: generation.top_k,
    minP: generation.min_p,
    // The engine's own default is the second of the clock: requests of the same second would answer alike.
    seed: generation.seed ?? randomInt(SEEDS),
    ...penalties(generation, generated),
    ...(grammar === undefined && followed === undefined
      ? {}
      : { grammarEvaluationState: () => followed?.state ?? (calls?.satisfied === true ? undefined : grammar?.state) }),
  };
}

/** For what was generated; the prompt's own words are free. */
function penalties(generation: Generation, generated: Token[]): Pick<SequenceEvaluateOptions, "repeatPenalty"> {
  const { frequency_penalty = 0, presence_penalty = 0, repeat_penalty = 1 } = generation;
  if (frequency_penalty === 0 && presence_penalty === 0 && repeat_penalty === 1) return {};
  return {
    repeatPenalty: {
      punishTokens: () => generated,
      penalty: repeat_penalty,
      frequencyPenalty: frequency_penalty,
      presencePenalty: presence_penalty,
    },
  };
}
