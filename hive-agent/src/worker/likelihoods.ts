import type { Logprob } from "@rbee/contracts";
import type { LlamaModel, Token } from "node-llama-cpp";

/** What stands for an impossible token: JSON knows no infinity. */
const IMPOSSIBLE = -9_999;

/** How likely a token was, and the likeliest in its place. @param choice.probabilities likeliest first */
export function likelihoods(
  model: LlamaModel,
  token: Token,
  choice: { probabilities: ReadonlyMap<Token, number>; top: number },
): Logprob {
  const top: Omit<Logprob, "top">[] = [];
  for (const [other, probability] of choice.probabilities) {
    if (top.length === choice.top) break;
    top.push(likelihood(model, other, probability));
  }
  return { ...likelihood(model, token, choice.probabilities.get(token) ?? 0), top };
}

function likelihood(model: LlamaModel, token: Token, probability: number): Omit<Logprob, "top"> {
  // Behind a letter, so that a leading space is shown.
  const text = model.detokenize([token], true, model.tokenize("a", false).slice(-1));
  const logprob = probability > 0 ? Math.log(probability) : IMPOSSIBLE;
  return { token: text, logprob, bytes: [...Buffer.from(text)] };
}
