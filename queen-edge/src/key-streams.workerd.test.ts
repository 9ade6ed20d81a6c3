import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { limits, type Scope } from "@rbee/contracts";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { JobObject } from "./durable/job-object.ts";
import { makeKey, queen, run, shows, SseReader, submitWith, view } from "./testing/queen-client.ts";
import { TestHive, type Lane } from "./testing/test-hive.ts";

let hive: TestHive;
let hives = 0;
let model: string;

beforeEach(async () => {
  ({ hive, model } = await TestHive.serving(`streams-hive-${++hives}`));
  return () => hive.hangUp();
});
afterEach(() => vi.useRealTimers());

const revoke = (key_id: string) => run({ operation: "key_revoke", key_id });

/** A job of this key that has said one word and goes on. */
async function begun(key: string): Promise<{ id: string; lane: Lane }> {
  const id = await submitWith({ operation: "infer", model, prompt: "Hello" }, key);
  const { lane } = await hive.take();
  lane.send({ t: "ev", first: 1, items: ["Hel"] });
  return { id, lane };
}

/** A stream of a job, of which the first word was read. */
async function reading(id: string, key: string): Promise<SseReader> {
  const reader = new SseReader(await queen(`/v1/jobs/${id}/stream`, { headers: shows(key) }));
  expect((await reader.next())?.data).toBe('[TOKEN] "Hel"');
  return reader;
}

const chatWith = (key: string): Promise<Response> =>
  queen("/v1/chat/completions", {
    method: "POST",
    headers: shows(key),
    body: JSON.stringify({ model, stream: true, messages: [{ role: "user", content: "hi" }] }),
  });

describe("[KEY-3] streams that a key has open end with it", () => {
  test("those of its own jobs, which go on, and of others that it might see; nobody else's do", async () => {
    const [mine, operators, others] = [
      await makeKey("mine"),
      await makeKey("operators", "operator"),
      await makeKey("others", "operator"),
    ];
    const { id, lane } = await begun(mine.key);
    const [own, seen, stays] = [
      await reading(id, mine.key),
      await reading(id, operators.key),
      await reading(id, others.key),
    ];
    await revoke(mine.key_id);
    expect(await own.rest()).toEqual([]);
    await revoke(operators.key_id);
    expect(await seen.rest()).toEqual([]);
    expect(await view(id)).toMatchObject({ state: "running", cancelling: false });
    await lane.end(1, { status: "succeeded", result: { text: "Hel", finish_reason: "stop" } });
    expect((await stays.rest()).at(-1)?.data).toBe("[DONE]");
  });

  test("an answer of OpenAI's says why it ends, and its job ends with it, as if the client had left", async () => {
    const { key, key_id } = await makeKey("chatting");
    const answering = chatWith(key);
    const { op, lane } = await hive.take();
    lane.send({ t: "ev", first: 1, items: ["Hel"] });
    const reader = new SseReader(await answering);
    await revoke(key_id);
    const rest = await reader.rest();
    expect(rest.at(-1)?.data).toContain('"code":"invalid_api_key"');
    expect(rest.at(-1)?.data).toContain("the key was revoked");
    for (let frame = await lane.next(); frame.t !== "cancel";) frame = await lane.next();
    await lane.end(1, { status: "cancelled" });
    expect(await view(op.job_id)).toMatchObject({ state: "cancelled" });
  });

  test("also when they were let in within the second in which a Worker still knew the key", async () => {
    // The second does not pass.
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const { key, key_id } = await makeKey("late", "operator");
    const { id, lane } = await begun(key);
    await revoke(key_id);
    const reader = await reading(id, key);
    const watcher = new SseReader(await queen("/v1/heartbeats/stream", { headers: shows(key) }));
    await watcher.next();
    await later(limits.key_cut_off_ms);
    expect(await reader.rest()).toEqual([]);
    await watcher.rest();
    await lane.end(1, { status: "cancelled" });
  });

  test.each<[Scope]>([["infer"], ["operator"]])("and when the time of a key of scope %s is up", async (scope) => {
    const { key } = await makeKey("brief", scope, { expires_in: 60 });
    const { id, lane } = await begun(key);
    const reader = await reading(id, key);
    const answering = chatWith(key);
    const chatting = await hive.take();
    chatting.lane.send({ t: "ev", first: 1, items: ["Hel"] });
    const chat = new SseReader(await answering);
    await later(60_000 + limits.key_cut_off_ms);
    expect(await reader.rest()).toEqual([]);
    expect((await chat.rest()).at(-1)?.data).toContain("its time is up");
    for (const each of [lane, chatting.lane]) await each.end(1, { status: "cancelled" });
    expect((await queen(`/v1/jobs/${id}`, { headers: shows(key) })).status).toBe(401);
  });
});

test("[KEY-3] a job that could not be told is told again, and the key is kept until it was; then no alarm is left for it", async () => {
  const { key, key_id } = await makeKey("unheard", "operator");
  const { id, lane } = await begun(key);
  const reader = await reading(id, key);
  const dismiss = await runInDurableObject(env.JOB.getByName(`main/${id}`), (object) =>
    vi.spyOn(Object.getPrototypeOf(object) as JobObject, "dismiss"),
  );
  dismiss.mockRejectedValue(new Error("the job is being moved"));
  await revoke(key_id);
  await later(limits.key_cut_off_ms);
  expect(await kept(key_id)).toBe(true);
  dismiss.mockRestore();
  await later(limits.key_cut_off_ms);
  expect(await reader.rest()).toEqual([]);
  expect(await kept(key_id)).toBe(false);
  expect(await alarm()).toBeGreaterThan(Date.now() + limits.key_cut_off_ms);
  await lane.end(1, { status: "cancelled" });
});

test("[KEY-3] an object that knew nothing of alarms for keys has one as soon as somebody watches", async () => {
  const { key, expires_at = 0 } = await makeKey("old", "operator", { expires_in: 1 });
  await runInDurableObject(registry(), (_, { storage }) => storage.deleteAlarm());
  await evictDurableObject(registry());
  const watcher = new SseReader(await queen("/v1/heartbeats/stream", { headers: shows(key) }));
  await watcher.next();
  // Or sooner, for a key of another test.
  expect((await alarm()) ?? Infinity).toBeLessThanOrEqual(expires_at + limits.key_cut_off_ms);
  await later(1_000 + limits.key_cut_off_ms);
  await watcher.rest();
});

const registry = () => env.REGISTRY.getByName("main");
const alarm = () => runInDurableObject(registry(), (_, { storage }) => storage.getAlarm());
const kept = (key_id: string) =>
  runInDurableObject(
    registry(),
    (_, { storage }) => storage.sql.exec("SELECT 1 FROM api_keys WHERE key_id = ?", key_id).toArray().length > 0,
  );

/** The registry's alarm rings when this much time has passed. */
async function later(ms: number): Promise<void> {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ms + 1 });
  expect(await runDurableObjectAlarm(registry())).toBe(true);
}
