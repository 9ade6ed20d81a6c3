import OpenAI, { RateLimitError } from "openai";
import { limits } from "@rbee/contracts";
import { RbeeClient } from "@rbee/sdk";
import { expect } from "vitest";
import { withinDay } from "../day.ts";
import type { House } from "../house.ts";
import { best } from "../../../contracts/src/testing/late.ts";
import { story } from "../prompts.ts";
import { answer, ask, busy, long, model, question, stopsInTime, test } from "./testing.ts";

/** What a key with limits meets, by the clients that people have. */

const chat = { model, messages: ask(question), temperature: 0 };
/** Its answer goes on until somebody ends it. */
const endless = {
  ...chat,
  max_tokens: 4_096,
  response_format: { type: "json_schema", json_schema: { name: "bees", schema: long } },
} as const;

const refusalOf = (run: Promise<unknown>): Promise<unknown> =>
  run.then(
    () => undefined,
    (error: unknown) => error,
  );

test("a key that has submitted its jobs of a minute is told how long to wait", async ({ house }) => {
  const { key } = await house.client().run("key_create", { name: "minutely", limits: { requests_per_minute: 1 } });
  const openai = new OpenAI({ baseURL: `${house.url}/v1`, apiKey: key, maxRetries: 0 });
  // Should the minute end between two of them, the next one is refused.
  let refusal: unknown;
  for (let n = 0; n < 3 && refusal === undefined; n++) refusal = await refusalOf(openai.chat.completions.create(chat));
  expect(refusal).toBeInstanceOf(RateLimitError);
  const { message, code, headers } = refusal as RateLimitError;
  expect([code, message]).toEqual(["rate_limit_exceeded", expect.stringContaining("requests_per_minute (1)")]);
  const wait_s = Number(headers?.get("retry-after"));
  expect(wait_s).toBeGreaterThan(0);
  expect(wait_s).toBeLessThanOrEqual(60);
  expect(headers?.get("x-should-retry")).toBe("true");
  expect(headers?.get("x-ratelimit-limit-requests")).toBe("1");
});

test("a client whose key has as many jobs at once as it may waits as long as it is told, and goes on", async ({
  house,
}) => {
  const { key } = await house.client().run("key_create", { name: "single", limits: { concurrent: 1 } });
  const options = { baseURL: `${house.url}/v1`, apiKey: key };
  const stream = await new OpenAI(options).chat.completions.create({ ...endless, stream: true });
  const calls: { began: number; status: number; ended: number; wait_s: number }[] = [];
  const watched: typeof fetch = async (...request) => {
    const began = performance.now();
    const response = await fetch(...request);
    const wait_s = Number(response.headers.get("retry-after"));
    calls.push({ began, status: response.status, ended: performance.now(), wait_s });
    stream.controller.abort();
    return response;
  };
  // Each waits two seconds: the first job has ended before the last of them.
  const patient = new OpenAI({ ...options, fetch: watched, maxRetries: 10 });
  const { choices } = await patient.chat.completions.create(chat);
  expect(choices[0]?.message.content).toBe(answer);
  const [refused, next] = calls;
  expect(refused).toMatchObject({ status: 429, wait_s: 2 });
  // A timer may be early by what it rounds.
  expect((next?.began ?? 0) - (refused?.ended ?? 0)).toBeGreaterThan(2_000 - 10);
});

test("a key that has used its tokens of the day is told so, and its owner sees what it used", async ({ house }) => {
  await withinDay(async () => {
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
});

test("when a key is revoked it is taken for no more than a second", async ({ house }) => {
  const { key, key_id } = await house.client().run("key_create", { name: "stolen", scope: "operator" });
  const thief = new RbeeClient({ url: house.url, key });
  // The queen has just looked it up.
  await thief.run("status", {});
  const began = performance.now();
  await house.client().run("key_revoke", { key_id });
  let taken = began;
  const ask = async (): Promise<unknown> => {
    const asked = performance.now();
    const refusal = await refusalOf(thief.run("status", {}));
    if (refusal === undefined) taken = asked;
    return refusal;
  };
  await expect.poll(ask, { interval: 20 }).toMatchObject({ code: "unauthorized" });
  expect(taken - began).toBeLessThan(limits.key_known_ms);
});

/** How long a stream of a key goes on once the key is revoked. */
async function streamsYet(house: House): Promise<number> {
  const { key, key_id } = await house.client().run("key_create", { name: "leaked" });
  const openai = new OpenAI({ baseURL: `${house.url}/v1`, apiKey: key, maxRetries: 0 });
  const stream = await openai.chat.completions.create({ ...endless, stream: true });
  const pieces = stream[Symbol.asyncIterator]();
  await pieces.next();
  expect(await busy(house)).toBeGreaterThan(0);
  const began = performance.now();
  await house.client().run("key_revoke", { key_id });
  await expect(
    (async () => {
      while (!(await pieces.next()).done);
    })(),
  ).rejects.toThrow("the key was revoked");
  return performance.now() - began;
}

test("when a key is revoked its streams end, and the engines that work for them stop", ({ house }) =>
  stopsInTime(house, () => best(limits.key_cut_off_ms, () => streamsYet(house))));
