import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { closes, limits } from "@rbee/contracts";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { anInventory } from "./testing/fleets.ts";
import { dataOf, INFER, post, queen, readAll, SseReader, submit, view } from "./testing/queen-client.ts";
import { TestHive } from "./testing/test-hive.ts";

let hive: TestHive;
let hives = 0;

beforeEach(async () => {
  hive = await TestHive.enrol(`leased-${++hives}`);
  await hive.connect();
});
afterEach(() => {
  vi.useRealTimers();
});

const objectOf = (id: string) => env.JOB.getByName(`main/${id}`);

/** The clock moves; nothing else does. */
function pass(ms: number): void {
  const now = Date.now() + ms;
  vi.useFakeTimers({ toFake: ["Date"], now });
}

/** Time passes, and each alarm of the job rings when it is due. */
async function passOnTime(id: string, ms: number): Promise<void> {
  const until = Date.now() + ms;
  for (;;) {
    const due = await runInDurableObject(objectOf(id), (_job, state) => state.storage.getAlarm());
    if (due === null || due > until) break;
    pass(Math.max(0, due - Date.now()));
    await runDurableObjectAlarm(objectOf(id));
  }
  pass(Math.max(0, until - Date.now()));
}

/** The operation is not taken up. */
async function silence(id: string): Promise<void> {
  pass(limits.take_up_ms);
  await runDurableObjectAlarm(objectOf(id));
}

// First in this file: no other job is open yet.
test("an idle colony has no alarm", async () => {
  const { id, lane } = await hive.start();
  lane.send({ t: "end", final: 0, outcome: { status: "succeeded", result: {} } });
  await readAll(id);
  await runDurableObjectAlarm(env.REGISTRY.getByName("main"));
  const alarm = await runInDurableObject(env.REGISTRY.getByName("main"), (_registry, state) =>
    state.storage.getAlarm(),
  );
  expect(alarm).toBeNull();
});

describe("leases", () => {
  test("[HIVE-4] a hive that took nothing up is hung up on, and given the job again when it is back, not before", async () => {
    const id = await submit({ ...INFER, hive_id: hive.hive_id });
    const op = await hive.op();
    await silence(id);
    expect(await hive.control.closed).toBe(closes.shutdown.code);
    expect(await view(id)).toMatchObject({ state: "queued", dispatches: 1 });
    await hive.connect();
    expect(await hive.op()).toMatchObject({ job_id: id, term: op.term + 2 });
    expect((await hive.dialLane(op)).status).toBe(410);
  });

  test("[HIVE-4] an object that was evicted meanwhile no longer knows which line was silent: it tries once more", async () => {
    const id = await submit({ ...INFER, hive_id: hive.hive_id });
    const op = await hive.op();
    await evictDurableObject(objectOf(id));
    // Awake again, it gives the hive a lease from now.
    expect(await view(id)).toMatchObject({ state: "dispatched" });
    await passOnTime(id, limits.lease_ms + 1);
    expect(await hive.op()).toMatchObject({ job_id: id, term: op.term + 2 });
    await silence(id);
    expect(await hive.control.closed).toBe(closes.shutdown.code);
    expect(await view(id)).toMatchObject({ state: "queued", dispatches: 2 });
  });

  test("[HIVE-4] a line that the operation did not go down is not hung up on", async () => {
    const { id } = await hive.start();
    await hive.connect({ jobs: [{ job_id: id, term: 1 }] });
    await passOnTime(id, limits.lease_ms + 1);
    expect(await hive.op()).toMatchObject({ job_id: id, term: 3 });
  });

  test("a lane that is silent too long is lost; what was shown stays, and the error says so", async () => {
    const { id, lane } = await hive.start();
    lane.send({ t: "ev", first: 1, items: ["a"] });
    await lane.next();
    await passOnTime(id, limits.lease_ms + 1);
    expect(dataOf(await readAll(id))).toEqual(['[TOKEN] "a"', expect.stringMatching(/^\[ERROR\] hive_lost/), "[DONE]"]);
    expect(await view(id)).toMatchObject({ state: "failed", error: { code: "hive_lost", retryable: true } });
  });

  test("[JOB-3] first words on the control socket are a sign of life: the job has a lease from then", async () => {
    const id = await submit({ ...INFER, hive_id: hive.hive_id });
    const { term } = await hive.op();
    const first = { t: "ev", first: 1, items: ["a"] } as const;
    hive.control.send({ t: "prelude", job_id: id, term, frames: [{ t: "lane_hello", last: 1 }, first] });
    await hive.control.next();
    await passOnTime(id, limits.take_up_ms + 1);
    expect((await view(id)).state).toBe("running");
    await passOnTime(id, limits.lease_ms);
    expect(await view(id)).toMatchObject({ state: "failed", error: { code: "hive_lost" } });
  });

  test("a lane that pings keeps its lease and wakes nothing", async () => {
    const { id, lane } = await hive.start();
    lane.send({ t: "ev", first: 1, items: ["a"] });
    await lane.next();
    lane.sendText("ping");
    await runDurableObjectAlarm(objectOf(id));
    expect((await view(id)).state).toBe("running");
  });

  test("a zombie is cut off once its term is over, and cannot come back", async () => {
    const { id, op, lane } = await hive.start();
    await passOnTime(id, limits.lease_ms + 1);
    await hive.connect();
    const again = await hive.op();
    expect(await lane.closed).toBe(closes.stale_term.code);
    expect((await hive.dialLane(op)).status).toBe(410);
    const second = await hive.lane(again);
    second.lane.send({ t: "ev", first: 1, items: ["alive"] });
    second.lane.send({ t: "end", final: 1, outcome: { status: "succeeded", result: {} } });
    expect(dataOf(await readAll(id)).filter((line) => line.startsWith("[TOKEN]"))).toEqual(['[TOKEN] "alive"']);
    expect(again.term).toBe(op.term + 2);
  });

  test("after a crash of the queen the hive has a lease's time to come back", async () => {
    const { id, op, lane } = await hive.start();
    lane.send({ t: "ev", first: 1, items: ["a"] });
    await lane.next();
    pass(limits.take_up_ms + 1);
    await evictDurableObject(objectOf(id), { webSockets: "close" });
    await runDurableObjectAlarm(objectOf(id));
    const again = await hive.lane(op);
    expect(again.acked).toBe(1);
  });

  test("[JOB-7] a job that sleeps and wakes without its lane does not wait for ever", async () => {
    const { id, lane } = await hive.start();
    lane.send({ t: "ev", first: 1, items: ["a"] });
    await lane.next();
    await evictDurableObject(objectOf(id), { webSockets: "close" });
    await runDurableObjectAlarm(objectOf(id));
    await passOnTime(id, limits.lease_ms - 1);
    await evictDurableObject(objectOf(id), { webSockets: "hibernate" });
    await passOnTime(id, 2);
    expect(await view(id)).toMatchObject({ state: "failed", error: { code: "hive_lost" } });
  });

  test("[JOB-6] [LANE-4] tokens shown behind a narration are never contradicted by a second run", async () => {
    const { id, lane } = await hive.start();
    const loading = {
      type: "narration",
      actor: "hive",
      action: "loading",
      level: "info",
      human: "Loading bee",
    } as const;
    lane.send({ t: "ev", first: 1, items: [loading] });
    await lane.next();
    lane.send({ t: "ev", first: 2, items: ["The", " first"] });
    expect(await lane.next()).toEqual({ t: "ack", acked: 3 });
    await evictDurableObject(objectOf(id), { webSockets: "close" });
    await runDurableObjectAlarm(objectOf(id));
    await passOnTime(id, limits.lease_ms + 1);
    expect(dataOf(await readAll(id)).slice(1)).toEqual([
      '[TOKEN] "The"',
      '[TOKEN] " first"',
      expect.stringMatching(/^\[ERROR\] hive_lost/),
      "[DONE]",
    ]);
  });

  test("[JOB-8] a queen that slept for a day loses no job for it", async () => {
    const { id, lane } = await hive.start();
    lane.send({ t: "ev", first: 1, items: ["a"] });
    await lane.next();
    pass(86_400_000);
    await runDurableObjectAlarm(objectOf(id));
    lane.send({ t: "ev", first: 2, items: ["b"] });
    lane.send({ t: "end", final: 2, outcome: { status: "succeeded", result: {} } });
    expect(dataOf(await readAll(id))).toEqual(['[TOKEN] "a"', '[TOKEN] "b"', "{}", "[DONE]"]);
  });

  test("[JOB-7] readers are told when a hive is away and when it is back, without a place in the log", async () => {
    const { id, op, lane } = await hive.start();
    lane.send({ t: "ev", first: 1, items: ["a"] });
    await lane.next();
    const reader = await SseReader.open(id);
    expect(await reader.next()).toEqual({ id: "1.1", data: '[TOKEN] "a"' });
    lane.socket.close(1011, "reset");
    const dueIn = async () =>
      ((await runInDurableObject(objectOf(id), (_job, state) => state.storage.getAlarm())) ?? Infinity) - Date.now();
    await expect.poll(dueIn).toBeLessThanOrEqual(limits.away_notice_ms);
    await passOnTime(id, limits.away_notice_ms);
    expect(await reader.next()).toEqual({ data: expect.stringMatching(/^\[WARN\] leased-\d+ is away/) as string });
    const back = await hive.lane(op, 1);
    expect(await reader.next()).toEqual({ data: expect.stringMatching(/is back$/) as string });
    back.lane.send({ t: "end", final: 1, outcome: { status: "succeeded", result: {} } });
    expect((await reader.rest()).map((event) => event.id)).toEqual(["1.2", undefined]);
  });

  test("a hive that never stops does not keep a cancelled job open", async () => {
    const { id } = await hive.start();
    await queen(`/v1/jobs/${id}`, { method: "DELETE" });
    pass(limits.cancel_grace_ms);
    await runDurableObjectAlarm(objectOf(id));
    expect(dataOf(await readAll(id))).toEqual(["[CANCELLED]", "[DONE]"]);
  });

  test("a job that every hive loses ends with a typed error", async () => {
    const id = await submit({ ...INFER, hive_id: hive.hive_id });
    for (let n = 0; n < limits.dispatches_max; n++) {
      if (n > 0) await hive.connect();
      await hive.op();
      await silence(id);
    }
    expect(await view(id)).toMatchObject({ state: "failed", error: { code: "attempts_exhausted" } });
  });

  test("a log is forgotten when its time is up, and takes nothing with it but itself", async () => {
    const { id, lane } = await hive.start();
    lane.send({ t: "end", final: 0, outcome: { status: "succeeded", result: {} } });
    await readAll(id);
    pass(limits.job_retention_ms);
    await runDurableObjectAlarm(objectOf(id));
    expect((await queen(`/v1/jobs/${id}`)).status).toBe(404);
    const tables = await runInDurableObject(objectOf(id), (_job, state) =>
      state.storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'job'").toArray(),
    );
    expect(tables).toEqual([]);
  });
});

describe("the registry's books", () => {
  test("[REG-3] the audit frees the place of a job that never came to be", async () => {
    await runInDurableObject(env.REGISTRY.getByName("main"), async (registry) => {
      const want = {
        job_id: "job_aaaaaaaaaaaaaaaaaaaaaaaaaa",
        operation: "infer",
        submitted_at: 0,
        key_id: "owner",
        hive_id: hive.hive_id,
        model: "bee",
        offline: "wait",
      } as const;
      await registry.place("main", want, 0);
    });
    const busy = async () => {
      const response = await post({ operation: "active_worker_list" }, { accept: "text/event-stream" });
      const { workers } = JSON.parse(/^data: (.*)$/m.exec(await response.text())?.[1] ?? "") as {
        workers: { hive_id: string; slots_busy: number }[];
      };
      return workers.find((worker) => worker.hive_id === hive.hive_id)?.slots_busy;
    };
    expect(await busy()).toBe(1);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + limits.audit_ms + 1 });
    await runDurableObjectAlarm(env.REGISTRY.getByName("main"));
    expect(await busy()).toBe(0);
  });
});

describe("operations for a hive by name", () => {
  test("an offline hive: fail at once, or what was last known and marked so", async () => {
    await hive.hangUp();
    const refused = await post({ operation: "worker_process_list", hive_id: hive.hive_id });
    expect([refused.status, (await refused.json<{ code: string }>()).code]).toEqual([503, "hive_offline"]);
    const list = await submit({ operation: "model_list", hive_id: hive.hive_id });
    expect((await view(list)).result).toEqual({ models: anInventory().models, stale: true });
    const status = await submit({ operation: "hive_status", alias: hive.hive_id });
    expect((await view(status)).result).toMatchObject({ hive_id: hive.hive_id, running: false });
  });
});
