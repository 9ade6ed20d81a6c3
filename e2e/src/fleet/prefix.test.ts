import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { House } from "../house.ts";

/** A conversation goes on where it was held: its second turn reads what is new, and nothing else. */

let house: House;
beforeAll(async () => {
  house = await House.open();
  for (const name of ["one", "two", "three"]) await house.startHive(name);
});
afterAll(() => house.close());

/** About half of what bee-tiny can hold. */
const rules = (who: string) =>
  `You are ${who}. ${Array.from({ length: 60 }, (_, n) => `Rule ${n}: bees fly at ${n} o'clock.`).join(" ")}`;

/** Prompt tokens that an engine had to evaluate, as the engine itself counts them. */
async function ask(openai: OpenAI, messages: OpenAI.ChatCompletionMessageParam[]) {
  const request = { model: "bee-tiny", messages, temperature: 0, max_tokens: 12 };
  const { data, response } = await openai.chat.completions.create(request).withResponse();
  const { prompt_tokens = 0, prompt_tokens_details } = data.usage ?? {};
  const { hive_id } = await house.client().get(response.headers.get("x-rbee-job-id") ?? "");
  return {
    evaluated: prompt_tokens - (prompt_tokens_details?.cached_tokens ?? 0),
    said: data.choices[0]?.message ?? expect.fail("no answer"),
    prompt_tokens,
    hive_id,
  };
}

test("a second turn evaluates a fifth of its prompt at most, at the hive that has the rest", async () => {
  const openai = new OpenAI({ baseURL: `${house.url}/v1`, apiKey: house.key, maxRetries: 0 });
  const turns = (who: string): OpenAI.ChatCompletionMessageParam[] => [
    { role: "system", content: rules(who) },
    { role: "user", content: "What do bees eat?" },
  ];
  const next = { role: "user" as const, content: "And in the winter?" };
  const first = await ask(openai, turns("a bee"));
  expect(first.evaluated).toBeGreaterThan(500);
  const second = await ask(openai, [...turns("a bee"), first.said, next]);
  // The same conversation, but nobody has held it before.
  const cold = await ask(openai, [...turns("no wasp"), first.said, next]);
  expect(second.hive_id).toBe(first.hive_id);
  expect(second.prompt_tokens).toBeGreaterThan(first.prompt_tokens);
  expect(cold.evaluated / second.evaluated).toBeGreaterThanOrEqual(5);
});
