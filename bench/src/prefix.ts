import { z } from "zod";
import type { Fleet } from "./fleet.ts";
import type { Amount } from "./scenarios.ts";
import { median, round } from "./stats.ts";

const Result = z.object({ text: z.string(), timings: z.object({ prompt_ms: z.number() }) });

/** About half of what bee-tiny can hold: conversations of people who work get long. */
const RULES = 50;
/** Reading so much takes seconds: a quarter of the rounds that other ratios have is enough for a median. */
const SHARE = 1 / 4;
const rules = (who: string): string =>
  `You are ${who}. ${Array.from({ length: RULES }, (_, n) => `Rule ${n}: bees fly at ${n} o'clock.`).join(" ")}`;

export interface Prefix {
  readonly ratio: number;
  readonly second_turn_ms: number;
  readonly cold_ms: number;
}

/**
 * How long the real model reads the prompt of a conversation's second turn, through the queen: where the first was held,
 * and where nobody has ever seen it.
 */
export async function secondTurn({ queen }: Fleet, amount: Amount): Promise<Prefix> {
  const warm: number[] = [];
  const cold: number[] = [];
  const say = async (messages: readonly object[]) =>
    Result.parse(await queen.ask({ operation: "infer", model: "bee-tiny", messages, max_tokens: 8, temperature: 0 }));
  for (let turn = 0; turn < amount.ratio_rounds * SHARE; turn++) {
    const first = (who: string) => [
      { role: "system", content: rules(`${who} number ${turn}`) },
      { role: "user", content: "What do bees eat?" },
    ];
    const { text } = await say(first("a bee"));
    const second = [
      { role: "assistant", content: text },
      { role: "user", content: "And in the winter?" },
    ];
    warm.push((await say([...first("a bee"), ...second])).timings.prompt_ms);
    cold.push((await say([...first("no wasp"), ...second])).timings.prompt_ms);
  }
  const [second_turn_ms, cold_ms] = [median(warm), median(cold)];
  return { ratio: round(cold_ms / second_turn_ms), second_turn_ms: round(second_turn_ms), cold_ms: round(cold_ms) };
}
