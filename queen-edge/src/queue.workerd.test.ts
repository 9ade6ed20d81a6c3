import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { limits, problemOf, type UsageSums } from "@rbee/contracts";
import type { SqlValue } from "@rbee/job-core";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { durableSql } from "./durable/durable-sql.ts";
import { Registry } from "./queen/registry.ts";
import { parseExposition } from "./testing/exposition.ts";
import { aKey, anInventory, aWant, aWorker } from "./testing/fleets.ts";
import { dataOf, post, queen, readAll, run, SseReader, submit, view } from "./testing/queen-client.ts";
import { TestHive } from "./testing/test-hive.ts";

let hive: TestHive;
let hives = 0;

beforeEach(async () => {
  hive = await TestHive.enrol(`queued-${++hives}`);
  return () => hive.hangUp();
});
afterEach(() => {
  vi.useRealTimers();
});

const registry = () => env.REGISTRY.getByName("main");
const infer = (over: Record<string, unknown> = {}) => ({
  operation: "infer",
  model: "bee",
  prompt: "Hello",
  hive_id: hive.hive_id,
  ...over,
});
const worker = (n: number, slots: number) =>
  aWorker({ worker_id: `worker-${hive.hive_id}-${n}`, port: 9100 + n, slots });

/** Connects with two workers of so many slots each. */
const connect = (slots = 2) =>
  hive.connect({ inventory: anInventory({ workers: [worker(1, slots), worker(2, slots)] }) });

const usage = { prompt_tokens: 12, cached_tokens: 2, completion_tokens: 3, total_tokens: 15 };
const timings = { wait_ms: 0, prompt_ms: 1, generation_ms: 1, tokens_per_s: 100 };

/** Runs one job to its end, and gives the worker that the queen chose for it. */
async function ran(body: Record<string, unknown>, headers: Record<string, string> = {}): Promise<string> {
  expect((await post(body, headers)).status).toBe(202);
  const { op, lane } = await hive.take();
  const { worker_id = "" } = op;
  const result = { text: "x", finish_reason: "stop", model: "bee", hive_id: hive.hive_id, worker_id, usage, timings };
  await lane.end(0, { status: "succeeded", result });
  return worker_id;
}

describe("waiting for a place", () => {
  test("[QUEUE-1] ends with deadline_exceeded when it was long enough, even if the queen slept meanwhile", async () => {
    await connect();
    await hive.hangUp();
    const id = await submit(infer({ max_wait: 5 }));
    expect((await view(id)).state).toBe("queued");
    const due = await runInDurableObject(registry(), (_, state) => state.storage.getAlarm());
    expect((due ?? Infinity) - Date.now()).toBeLessThanOrEqual(5_000);
    await evictDurableObject(registry());
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 5_001 });
    await runDurableObjectAlarm(registry());
    const told = await readAll(id);
    expect(dataOf(told).at(-2)).toContain("[ERROR] deadline_exceeded");
    expect(await view(id)).toMatchObject({ state: "failed", error: { code: "deadline_exceeded" } });
    // The wait of somebody else has not ended.
    const other = await submit(infer());
    expect((await view(other)).state).toBe("queued");
    await queen(`/v1/jobs/${other}`, { method: "DELETE" });
  });

  test("[AGENT-24] goes on where a hive found everything busy, however often it does; between two times passes a while", async () => {
    await connect();
    const id = await submit(infer());
    const job = env.JOB.getByName(`main/${id}`);
    for (let times = 0; times <= limits.dispatches_max; times++) {
      const { lane } = await hive.take();
      const before = Date.now();
      await lane.end(0, { status: "refused", error: problemOf("worker_busy", "a wasp keeps the memory") });
      expect(await view(id)).toMatchObject({ state: "queued", reason: "a wasp keeps the memory" });
      const due = await runInDurableObject(job, (_, state) => state.storage.getAlarm());
      expect((due ?? 0) - before).toBeGreaterThan(limits.busy_pause_ms / 2);
      await runDurableObjectAlarm(job);
    }
    const { lane } = await hive.take();
    await lane.end(0, { status: "succeeded", result: { text: "x", finish_reason: "stop" } });
    expect(await view(id)).toMatchObject({ state: "succeeded", dispatches: 1 });
  });

  test("says its position, why, and, once it is known, for how long", async () => {
    await connect(1);
    for (let n = 0; n < limits.eta_jobs_min; n++) await ran(infer());
    const running = [await submit(infer()), await submit(infer())];
    await hive.op();
    await hive.op();
    const [low, normal] = [await submit(infer({ priority: "low" })), await submit(infer())];
    const reader = await SseReader.open(normal, "?format=json");
    expect(JSON.parse((await reader.next())?.data ?? "")).toMatchObject({
      type: "state",
      state: "queued",
      position: 1,
      reason: "every slot of bee is busy",
      eta_ms: expect.any(Number) as number,
    });
    await queen(`/v1/jobs/${normal}`, { method: "DELETE" });
    await reader.close();
    for (const id of [low, ...running]) await queen(`/v1/jobs/${id}`, { method: "DELETE" });
  });

  test("too many of one key are refused with 429 and when to come again", async () => {
    await connect();
    await hive.hangUp();
    await runInDurableObject(registry(), async (object) => {
      for (let n = 0; n < limits.open_jobs_per_key_max; n++)
        await object.place("main", { ...wantOfOwner(n), hive_id: hive.hive_id }, 0);
    });
    const refused = await post(infer());
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, expect.stringMatching(/^\d+$/)]);
    expect(await refused.json()).toMatchObject({ code: "queue_full", retryable: true });
    await runInDurableObject(registry(), (_, { storage }) => storage.sql.exec("DELETE FROM open_jobs"));
    await evictDurableObject(registry());
  });
});

/** One of many jobs that never came to be. */
const wantOfOwner = (n: number) => ({ ...aWant({ submitted_at: Date.now() }), job_id: `never-${n}` });

describe("the same conversation", () => {
  const chat = (...contents: string[]) =>
    infer({
      prompt: undefined,
      messages: contents.map((content, i) => ({ role: i % 2 === 0 ? "user" : "assistant", content })),
    });

  test("goes to the worker that served its turn before, named by a header or known by its messages", async () => {
    await connect();
    const first = await ran(chat("one"));
    // Conversations spread; a repeat of either comes back.
    const other = await ran(chat("two"));
    expect(other).not.toBe(first);
    expect(await ran(chat("two", "answer", "more"))).toBe(other);
    await evictDurableObject(registry());
    expect(await ran(chat("one", "answer", "more"))).toBe(first);
    const named = await ran(infer({ prompt: "a" }), { "x-session-affinity": "mine" });
    await ran(infer({ prompt: "b" }));
    expect(await ran(infer({ prompt: "c" }), { "x-session-affinity": "mine" })).toBe(named);
  });

  test("is kept as a hash: nothing of its text is in the registry", async () => {
    await connect();
    const secret = "canary-of-a-conversation";
    await ran(chat(secret, "answer", secret));
    await ran(infer({ prompt: "a", session: secret }));
    const rows = await runInDurableObject(registry(), (_, { storage }) =>
      ["open_jobs", "finished_jobs", "counters", "usage"].map((table) =>
        JSON.stringify(storage.sql.exec(`SELECT * FROM ${table}`).toArray()),
      ),
    );
    expect(rows.join("")).toContain('\\"session\\"');
    expect(rows.join("")).not.toContain(secret);
  });

  test("a header that is no session is refused", async () => {
    const refused = await post(infer(), { "x-session-affinity": "x".repeat(limits.session_chars_max + 1) });
    expect(await refused.json()).toMatchObject({ code: "invalid_input" });
  });
});

describe("accounts", () => {
  const report = async () => {
    const { rows } = await run<{ rows: (UsageSums & { name: string })[] }>({ operation: "usage_report", by: "hive" });
    return rows.find(({ name }) => name === hive.hive_id);
  };

  test("[REG-6] add up to the jobs, failed ones with what they showed, through a restart", async () => {
    await connect();
    await ran(infer());
    await submit(infer());
    const { lane } = await hive.take();
    lane.send({ t: "ev", first: 1, items: ["a", "b"] });
    await lane.end(2, { status: "failed", error: problemOf("worker_died") });
    await evictDurableObject(registry());
    expect(await report()).toMatchObject({ jobs: 2, failed: 1, prompt_tokens: 12, completion_tokens: 5, units: 30 });
    await evictDurableObject(registry());
    expect(await report()).toMatchObject({ jobs: 2, completion_tokens: 5 });
    const none = await run<{ rows: unknown[] }>({ operation: "usage_report", from: "2999-01-01" });
    expect(none.rows).toEqual([]);
  });

  test("cost next to no row: what is written for a job is its own line, here and in the history", async () => {
    const rows = await runInDurableObject(env.REGISTRY.getByName("rows"), (_, { storage }) => {
      let written = 0;
      const registry = new Registry({
        ...durableSql(storage),
        exec: <Row extends Record<string, SqlValue>>(query: string, ...bindings: SqlValue[]) => {
          const cursor = storage.sql.exec<Row>(query, ...bindings);
          const found = cursor.toArray();
          written += cursor.rowsWritten;
          return found;
        },
      });
      registry.fleet.enrol("a", 0);
      registry.hiveConnected("a", 1, { inventory: anInventory(), jobs: [], now: 0 });
      for (let n = 0; n < 10; n++) registry.keys.add(`k${n}`, aKey(`k${n}`));
      const perJob = (jobs: number, places: number): number => {
        written = 0;
        const open = Array.from({ length: places }, () => aWant());
        for (const want of open) registry.place(want, 0, 0);
        for (let n = 0; n < jobs; n++) {
          const next = aWant({ key_id: `k${n % 10}` });
          registry.place(next, 0, 0);
          open.push(next);
          registry.release(open.shift()!.job_id, { state: "succeeded", finished_at: 1, hive_id: "a" });
          registry.drain(1);
        }
        for (const { job_id } of open) registry.release(job_id, { state: "cancelled", finished_at: 1 });
        return written / (jobs + places);
      };
      return { placed: perJob(640, 0), queued: perJob(640, 3) };
    });
    expect(rows.placed).toBeLessThan(4.5);
    expect(rows.queued).toBeLessThan(6.5);
  });

  test("/metrics needs a key, and is what Prometheus reads", async () => {
    await connect();
    await ran(infer());
    expect((await queen("/metrics", { headers: { authorization: "Bearer nobody" } })).status).toBe(401);
    const response = await queen("/metrics");
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    const { valueOf } = parseExposition(await response.text());
    expect(valueOf("rbee_jobs_finished_total", { operation: "infer", state: "succeeded" })).toBeGreaterThan(0);
    expect(valueOf("rbee_slots", { model: "bee" })).toBe(4);
  });
});

test("labels of the token: a job that asks for them goes there and nowhere else", async () => {
  const labelled = await TestHive.enrol(`labelled-${++hives}`, ["attic"]);
  await connect();
  await labelled.connect();
  const id = await submit(infer({ hive_id: "auto", hive_labels: "attic" }));
  expect((await labelled.op()).job_id).toBe(id);
  expect(await (await post(infer({ hive_labels: ["cellar"] }))).json()).toMatchObject({ code: "hive_not_found" });
  await queen(`/v1/jobs/${id}`, { method: "DELETE" });
  await labelled.hangUp();
});
