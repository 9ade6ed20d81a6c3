/*
 * What the synthetic engine says: a pure function of the request, so that any reader of any log can tell whether it is the
 * text it should be. The prompt holds the seed and the pace: `chaos seed=7 every=20`.
 */

const WORDS = [
  "wax",
  "comb",
  "Honig",
  "ruche",
  "🐝",
  "蜂",
  "drone ",
  "hive\n",
  '"quoted"',
  "back\\slash",
  "ü",
  "\u2028",
];

/** The nth token, from 1. Whole characters, of one to several bytes, some of which JSON has to escape. */
export function token(seed: number, n: number): string {
  const mixed = Math.imul(seed ^ Math.imul(n, 0x9e3779b1), 0x85ebca6b) >>> 0;
  return `${n}:${WORDS[mixed % WORDS.length]}${(mixed >>> 8).toString(36)} `;
}

export function textOf(seed: number, tokens: number): string {
  let text = "";
  for (let n = 1; n <= tokens; n++) text += token(seed, n);
  return text;
}

/** @param every milliseconds from token to token */
export const promptOf = (seed: number, every: number): string => `chaos seed=${seed} every=${every}`;

export function parsePrompt(prompt: string): { seed: number; every: number } {
  const match = /seed=(\d+) every=(\d+)/.exec(prompt);
  return { seed: Number(match?.[1] ?? 0), every: Number(match?.[2] ?? 0) };
}
