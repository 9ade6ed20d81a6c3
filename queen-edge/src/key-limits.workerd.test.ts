import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { Problem, type KeyLimits, type UsedKey } from "@rbee/contracts";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { makeKey, post, queen, run, shows, submitWith } from "./testing/queen-client.ts";
import { TestHive, type Lane } from "./testing/test-hive.ts";

let hive: TestHive;
let hives = 0;
let model: string;

beforeEach(async () => {
  ({ hive, model } = await TestHive.serving(`limits-hive-${++hives}`));
  return () => hive.hangUp();
});
afterEach(() => vi.useRealTimers());

const MINUTE = 60_000;
/** So early in a minute that a slow machine is still in it when the test ends. */
const now = Math.ceil(Date.now() / MINUTE) * MINUTE + 20_000;
const atTwenty = () => vi.useFakeTimers({ toFake: ["Date"], now });

const limitedKey = (name: string, limits: KeyLimits) => makeKey(name, "infer", { limits });
const infer = () => ({ operation: "infer", model, prompt: "Hello" });

/** Does the next job that comes. */
const answerNext = async (tokens: { prompt: number; completion: number }): Promise<void> =>
  answer((await hive.take()).lane, tokens);

async function answer(lane: Lane, tokens: { prompt: number; completion: number }, more: object = {}): Promise<void> {
  const usage = {
    prompt_tokens: tokens.prompt,
    cached_tokens: 0,
    completion_tokens: tokens.completion,
    total_tokens: tokens.prompt + tokens.completion,
  };
  const timings = { wait_ms: 0, prompt_ms: 0, generation_ms: 0, tokens_per_s: 0 };
  const where = { hive_id: hive.hive_id, worker_id: "worker-llama-9100" };
  const result = { text: "", finish_reason: "stop", usage, timings, model, ...where, ...more };
  await lane.end(0, { status: "succeeded", result });
}

const chat = (key: string): Promise<Response> =>
  queen("/v1/chat/completions", {
    method: "POST",
    headers: shows(key),
    body: JSON.stringify({ model, messages: [{ role: "user", content: "hi" }] }),
  });

describe("[KEY-6] a key that has used up a limit", () => {
  test("is told which and until when, by every API in its own words, also behind a wake of the registry", async () => {
    atTwenty();
    const { key } = await limitedKey("minutely", { requests_per_minute: 1 });
    await submitWith(infer(), key);
    await evictDurableObject(env.REGISTRY.getByName("main"));
    const own = await post(infer(), shows(key));
    expect([own.status, own.headers.get("retry-after")]).toEqual([429, "40"]);
    const detail = "the key has used up its requests_per_minute (1); it may go on in 40 s";
    expect(Problem.parse(await own.json())).toMatchObject({ code: "rate_limited", detail, retry_after_s: 40 });

    const openai = await chat(key);
    expect(openai.status).toBe(429);
    expect(await openai.json()).toEqual({
      error: { message: detail, type: "requests", param: null, code: "rate_limit_exceeded" },
    });
    const body = { model, max_tokens: 1, messages: [{ role: "user", content: "hi" }] };
    const asked = { method: "POST", headers: shows(key), body: JSON.stringify(body) };
    const anthropic = await queen("/v1/messages", asked);
    expect(await anthropic.json()).toMatchObject({ error: { type: "rate_limit_error", message: detail } });
    const ollama = await queen("/api/chat", asked);
    expect(await ollama.json()).toEqual({ error: detail });
    for (const { headers } of [openai, anthropic, ollama])
      expect([headers.get("retry-after"), headers.get("x-should-retry")]).toEqual(["40", "true"]);
    for (const [name, value] of [
      ["limit", "1"],
      ["remaining", "0"],
      ["reset", "40s"],
    ] as const)
      expect(openai.headers.get(`x-ratelimit-${name}-requests`)).toBe(value);
    expect(anthropic.headers.get("anthropic-ratelimit-requests-reset")).toBe(new Date(now + 40_000).toISOString());

    vi.setSystemTime(now + 40_000);
    expect((await post(infer(), shows(key))).status).toBe(202);
  });

  test("of tokens is not asked to try again today; list and headers tell what it used", async () => {
    atTwenty();
    const { key, key_id } = await limitedKey("daily", { tokens_per_day: 100 });
    const answering = chat(key);
    await answerNext({ prompt: 30, completion: 12 });
    expect((await answering).status).toBe(200);
    const told = async () => (await queen("/v1/models", { headers: shows(key) })).headers;
    await expect.poll(async () => (await told()).get("x-ratelimit-remaining-tokens")).toBe("58");
    const second = chat(key);
    await answerNext({ prompt: 50, completion: 50 });
    await second;
    await expect.poll(async () => (await told()).get("x-ratelimit-remaining-tokens")).toBe("0");
    await evictDurableObject(env.REGISTRY.getByName("main"));
    const refused = await chat(key);
    expect([refused.status, refused.headers.get("x-should-retry")]).toEqual([429, "false"]);
    const midnight = Math.ceil(now / (1_440 * MINUTE)) * 1_440 * MINUTE;
    expect(refused.headers.get("retry-after")).toBe(String((midnight - now) / 1_000));
    expect(refused.headers.get("x-ratelimit-limit-tokens")).toBe("100");
    const { keys } = await run<{ keys: UsedKey[] }>({ operation: "key_list" });
    expect(keys.find((one) => one.key_id === key_id)).toMatchObject({
      limits: { tokens_per_day: 100 },
      today: { jobs: 2, tokens: 142 },
    });
    vi.setSystemTime(midnight);
    expect((await told()).get("x-ratelimit-remaining-tokens")).toBe("100");
  });

  test("of jobs at once goes on when one has ended; a request that is many jobs has them one by one", async () => {
    const { key } = await limitedKey("single", { concurrent: 1 });
    const input = Array.from({ length: 70 }, (_, n) => `text ${n}`);
    const embedding = queen("/v1/embeddings", {
      method: "POST",
      headers: shows(key),
      body: JSON.stringify({ model, input }),
    });
    for (const count of [32, 32, 6]) {
      const [embeddings, dimensions] = [Array.from({ length: count }, () => [1]), 1];
      const more = { operation: "embed", embeddings, dimensions };
      const { lane } = await hive.take();
      if (count === 32) {
        const refused = await post(infer(), shows(key));
        expect(refused.headers.get("retry-after")).toBe("2");
        expect(await refused.json()).toMatchObject({ detail: expect.stringContaining("concurrent (1)") as string });
      }
      await answer(lane, { prompt: count, completion: 0 }, more);
    }
    expect(await (await embedding).json()).toMatchObject({ usage: { prompt_tokens: 70 }, data: { length: 70 } });
    await vi.waitFor(async () => expect((await post(infer(), shows(key))).status).toBe(202));
  });

  test("of jobs at once refuses answers that can never be made together, whatever else limits it", async () => {
    const { key } = await limitedKey("both", { concurrent: 2, requests_per_minute: 100 });
    const body = JSON.stringify({ model, n: 4, messages: [{ role: "user", content: "hi" }] });
    const refused = await queen("/v1/chat/completions", { method: "POST", headers: shows(key), body });
    expect([refused.status, await refused.json()]).toMatchObject([
      400,
      { error: { message: expect.stringContaining("4 jobs, and its key may have 2 at once") as string } },
    ]);
  });
});

test.each([{ requests_per_minute: 0 }, { tokens_per_day: 1.5 }, { concurrent: 10_000 }, { per_fortnight: 1 }, 7, null])(
  "limits that mean nothing are refused: %j",
  async (limits) => {
    const refused = await post({ operation: "key_create", name: "odd", limits });
    expect([refused.status, await refused.json()]).toMatchObject([400, { code: "invalid_input" }]);
  },
);
