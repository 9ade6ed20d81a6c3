import { readFileSync } from "node:fs";
import { z } from "zod";
import type { Fleet } from "./fleet.ts";
import type { Amount } from "./amount.ts";
import { listener, path } from "./models.ts";
import { median, round } from "./stats.ts";

const Result = z.object({
  text: z.string(),
  usage: z.object({ prompt_tokens: z.int() }),
  timings: z.object({ prompt_ms: z.number() }),
});

/** What people talk to models about: a document of some pages. */
const document = readFileSync(path("docs/ARCHITECTURE.md"), "utf8").slice(0, listener.chars);

/** Reading so much takes seconds: a quarter of the rounds that other ratios have is enough for a median. */
const SHARE = 1 / 4;

export interface Prefix {
  readonly model: string;
  /** Of a second turn. */
  readonly prompt_tokens: number;
  readonly ratio: number;
  readonly second_turn_ms: number;
  readonly cold_ms: number;
}

/**
 * How long a real model reads the prompt of a conversation's second turn, through the queen: where the first was held, and
 * where nobody has ever seen it.
 */
export async function secondTurn({ queen }: Fleet, amount: Amount): Promise<Prefix> {
  const warm: number[] = [];
  const cold: number[] = [];
  const sizes: number[] = [];
  const say = async (messages: readonly object[]) =>
    Result.parse(
      await queen.ask({ operation: "infer", model: listener.model, messages, max_tokens: 8, temperature: 0 }),
    );
  for (let turn = 0; turn < amount.ratio_rounds * SHARE; turn++) {
    // Texts that differ from their first word have nothing in common that could be held.
    const first = (who: string) => [
      { role: "system", content: `${who} number ${turn} reads:\n${document}` },
      { role: "user", content: "What is a hive?" },
    ];
    const { text } = await say(first("Somebody"));
    const second = [
      { role: "assistant", content: text },
      { role: "user", content: "And what is a queen?" },
    ];
    const held = await say([...first("Somebody"), ...second]);
    warm.push(held.timings.prompt_ms);
    sizes.push(held.usage.prompt_tokens);
    cold.push((await say([...first("Nobody"), ...second])).timings.prompt_ms);
  }
  const [second_turn_ms, cold_ms] = [median(warm), median(cold)];
  return {
    model: listener.model,
    prompt_tokens: median(sizes),
    ratio: round(cold_ms / second_turn_ms),
    second_turn_ms: round(second_turn_ms),
    cold_ms: round(cold_ms),
  };
}
