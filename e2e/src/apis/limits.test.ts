import OpenAI, { RateLimitError } from "openai";
import { RbeeClient } from "@rbee/sdk";
import { expect } from "vitest";
import { story } from "../prompts.ts";
import { answer, ask, busy, long, model, question, stopsInTime, test } from "./testing.ts";

/** What a key with limits meets, by the clients that people have. */

const chat = { model, messages: ask(question), temperature: 0 };

test("a key that has submitted its jobs of a minute waits as long as it is told, and goes on", async ({ house }) => {
  const limits = { requests_per_minute: 1 };
  const { key } = await house.client().run("key_create", { name: "minutely", limits });
  const options = { baseURL: `${house.url}/v1`, apiKey: key };
  const impatient = new OpenAI({ ...options, maxRetries: 0 });
  // Should the minute end between two of them, the next one is refused.
  let refusal: unknown;
  for (let n = 0; n < 3 && refusal === undefined; n++)
    refusal = await impatient.chat.completions.create(chat).then(
      () => undefined,
      (error: unknown) => error,
    );
  expect(refusal).toBeInstanceOf(RateLimitError);
  const { message, code, headers } = refusal as RateLimitError;
  expect([code, message]).toEqual(["rate_limit_exceeded", expect.stringContaining("requests_per_minute (1)")]);
  const wait_s = Number(headers?.get("retry-after"));
  expect(wait_s).toBeGreaterThan(0);
  expect(wait_s).toBeLessThanOrEqual(60);
  expect(headers?.get("x-ratelimit-limit-requests")).toBe("1");

  // OpenAI's client waits for what it is told to wait for.
  const began = performance.now();
  const { choices } = await new OpenAI({ ...options, maxRetries: 2 }).chat.completions.create(chat);
  expect(choices[0]?.message.content).toBe(answer);
  expect((performance.now() - began) / 1_000).toBeGreaterThan(wait_s - 2);
});

test("a key that has used its tokens of the day is told so, and its owner sees what it used", async ({ house }) => {
  const owner = house.client();
  const { key, key_id } = await owner.run("key_create", { name: "daily", limits: { tokens_per_day: 10 } });
  const client = new RbeeClient({ url: house.url, key });
  const { usage } = await client.run("infer", { ...story, max_tokens: 20 });
  const tokens = usage.prompt_tokens + usage.completion_tokens;
  await expect
    .poll(async () => (await owner.run("key_list", {})).keys.find((one) => one.key_id === key_id))
    .toMatchObject({ limits: { tokens_per_day: 10 }, today: { jobs: 1, tokens } });
  await expect(client.run("infer", { ...story, max_tokens: 20 })).rejects.toMatchObject({
    code: "rate_limited",
    message: "the key has used up its tokens_per_day (10); it may go on at 0:00 UTC",
  });
});

test("when a key is revoked its streams end, and the engines that work for them stop", async ({ house }) => {
  const { key, key_id } = await house.client().run("key_create", { name: "leaked" });
  const openai = new OpenAI({ baseURL: `${house.url}/v1`, apiKey: key, maxRetries: 0 });
  const response_format = { type: "json_schema", json_schema: { name: "bees", schema: long } } as const;
  const stream = await openai.chat.completions.create({ ...chat, response_format, stream: true });
  const pieces = stream[Symbol.asyncIterator]();
  await pieces.next();
  expect(await busy(house)).toBe(1);
  await house.client().run("key_revoke", { key_id });
  await expect(
    (async () => {
      while (!(await pieces.next()).done);
    })(),
  ).rejects.toThrow("the key was revoked");
  await stopsInTime(house);
});
