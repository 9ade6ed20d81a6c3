import { afterAll, beforeAll, expect, test } from "vitest";
import { BEE_TINY, House } from "./house.ts";

/** Models that requests load, and how long they stay: real queen, agent, engine and model. */

let house: House;
beforeAll(async () => {
  house = await House.open();
  await house.startHive("den", ["--model-file", BEE_TINY, "--keep-alive", "10m"]);
});
afterAll(() => house.close());

const inTime = { timeout: 30_000 };
const question = { model: "bee-tiny", prompt: "What do bees eat?", temperature: 0, max_tokens: 4 } as const;
const ANSWER = "Bees eat nectar";
const workers = async () => (await house.client().run("active_worker_list", {})).workers;
const asked = async (route: string, body?: object) => {
  const response = await fetch(`${house.url}${route}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: `Bearer ${house.key}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(response.status).toBe(200);
  return response;
};
const stopsOf = async (reason: string) => {
  const exposition = await (await asked("/metrics")).text();
  return Number(new RegExp(`^rbee_worker_stops_total\\{reason="${reason}"\\} (\\d+)$`, "m").exec(exposition)?.[1]);
};

test("the hive's keep-alive is shown; a request that says less has the model stopped, and counted", async () => {
  const client = house.client();
  const before = Date.now();
  expect((await client.run("infer", question)).text).toContain(ANSWER);
  // The queen hears of it a moment after the answer.
  const left = async () => ((await workers())[0]?.expires_at ?? Infinity) - Date.now();
  await expect.poll(left).toBeLessThanOrEqual(600_000);
  expect((await workers())[0]?.expires_at).toBeGreaterThanOrEqual(before + 600_000);
  await client.run("infer", { ...question, keep_alive: "1s" });
  await expect.poll(workers, inTime).toEqual([]);
  await expect.poll(async () => stopsOf("idle"), inTime).toBe(1);
  expect(await stopsOf("evicted")).toBe(0);
});

test("a request that meets the stop of its model loads it again", async () => {
  const client = house.client();
  // Each has the worker stopped when it is done; the next is there at once.
  for (let n = 0; n < 4; n += 1)
    expect((await client.run("infer", { ...question, keep_alive: 0 })).text).toContain(ANSWER);
  await expect.poll(workers, inTime).toEqual([]);
  await expect.poll(async () => stopsOf("idle"), inTime).toBeGreaterThan(1);
});

test("Ollama's clients say how long, see until when, and let go", async () => {
  const ps = async () => (await (await asked("/api/ps")).json()) as { models: { expires_at: string }[] };
  const messages = [{ role: "user", content: "What do bees eat?" }];
  const before = Date.now();
  const loaded = await (await asked("/api/generate", { model: "bee-tiny", keep_alive: -1 })).json();
  expect(loaded).toMatchObject({ response: "", done: true, done_reason: "load" });
  await expect.poll(workers, inTime).toMatchObject([{ model: "bee-tiny", state: "ready" }]);
  await (await asked("/api/chat", { model: "bee-tiny", messages, stream: false, keep_alive: "5m" })).json();
  // The queen hears of it a moment after the answer.
  const expiry = async () => Date.parse((await ps()).models[0]?.expires_at ?? "");
  await expect.poll(async () => (await expiry()) - Date.now(), inTime).toBeLessThanOrEqual(300_000);
  expect(await expiry()).toBeGreaterThanOrEqual(before + 300_000);
  const left = await (await asked("/api/generate", { model: "bee-tiny", keep_alive: 0 })).json();
  expect(left).toMatchObject({ done: true, done_reason: "unload" });
  await expect.poll(ps, inTime).toEqual({ models: [] });
});

test("what a person pins stays, and says so", async () => {
  const client = house.client();
  const { worker_id } = await client.run("model_load", { hive_id: "den", id: "bee-tiny", pin: true });
  // None of them has it stopped: the next still meets it.
  for (let n = 0; n < 2; n += 1)
    expect(await client.run("infer", { ...question, keep_alive: 0 })).toMatchObject({ worker_id });
  await expect.poll(workers, inTime).toMatchObject([{ worker_id, state: "ready", pinned: true }]);
  expect((await workers())[0]).not.toHaveProperty("expires_at");
});

test("an engine that is not built is not built by surprise", async () => {
  const spawning = house.client().run("worker_spawn", { hive_id: "den", model: "bee-tiny", worker: "llama-server" });
  await expect(spawning).rejects.toMatchObject({
    code: "engine_not_found",
    message: expect.stringContaining("rbee workers build llama-server --hive den") as string,
  });
});
