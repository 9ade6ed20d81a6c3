import { limits } from "@rbee/contracts";
import type { LlamaContextSequence, Token } from "node-llama-cpp";

/** First step of a long prompt; later steps adapt to prompt_step_ms. */
const STEP_FIRST = 64;
const STEP_MIN = 8;
/** Step of an exact evaluation, in tokens: on a CPU short enough for a cancel to be seen between two. */
const EXACT_STEP = { cpu: 32, gpu: 512 };

export interface Evaluation {
  /** Prompt, then what was generated before. */
  readonly tokens: readonly Token[];
  readonly promptTokens: number;
  /**
   * The tokens are evaluated in the very steps in which a cold engine would have come to them: how they are batched
   * decides the last bits of the logits, and at temperature 0 a bit may decide a word.
   */
  readonly exact: boolean;
  readonly backend: keyof typeof EXACT_STEP;
  readonly signal: AbortSignal;
}

export interface Evaluated {
  /** What is left to evaluate: its logits are where the answer begins. Never empty. */
  readonly rest: Token[];
  /** Tokens that the sequence still held. */
  readonly cached: number;
}

/** Brings a sequence to the point where the answer begins, in steps between which a cancel is seen. */
export async function evaluate(sequence: LlamaContextSequence, evaluation: Evaluation): Promise<Evaluated> {
  return evaluation.exact ? evaluateExactly(sequence, evaluation) : evaluateQuickly(sequence, evaluation);
}

async function evaluateQuickly(
  sequence: LlamaContextSequence,
  { tokens, signal }: Evaluation,
): Promise<{ rest: Token[]; cached: number }> {
  // At least the last token is evaluated again.
  await sequence.adaptStateToTokens(tokens.slice(0, -1), false);
  const cached = sequence.nextTokenIndex;
  let step = STEP_FIRST;
  let done = cached;
  while (tokens.length - done > step) {
    signal.throwIfAborted();
    const begun = performance.now();
    await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(done, done + step));
    done += step;
    const took = performance.now() - begun;
    if (took < limits.prompt_step_ms / 2) step = Math.min(step * 2, sequence.context.batchSize);
    else if (took > limits.prompt_step_ms) step = Math.max(STEP_MIN, Math.floor(step / 2));
  }
  signal.throwIfAborted();
  return { rest: tokens.slice(done), cached };
}

async function evaluateExactly(sequence: LlamaContextSequence, evaluation: Evaluation): Promise<Evaluated> {
  const { tokens, signal } = evaluation;
  const held = sequence.compareContextTokens(tokens.slice(0, -1)).firstDifferentIndex;
  const cuts = cutsOf(evaluation);
  const cached = cuts.findLast((cut) => cut <= held) ?? 0;
  await sequence.adaptStateToTokens(tokens.slice(0, cached), false);
  let done = cached;
  for (const cut of cuts) {
    if (cut <= done) continue;
    signal.throwIfAborted();
    await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(done, cut));
    done = cut;
  }
  signal.throwIfAborted();
  return { rest: tokens.slice(done), cached };
}

/** Where steps end: a prompt in equal steps with its last token alone, then what was generated a token at a time. */
function cutsOf({ tokens, promptTokens, backend }: Evaluation): number[] {
  const cuts: number[] = [];
  for (let at = EXACT_STEP[backend]; at < promptTokens - 1; at += EXACT_STEP[backend]) cuts.push(at);
  for (let at = Math.max(1, promptTokens - 1); at < tokens.length; at += 1) cuts.push(at);
  return cuts;
}
