import { limits } from "@rbee/contracts";
import { describe, expect, test } from "vitest";
import { NodeSql } from "../../../hive-agent/src/storage/node-sql.ts";
import { aKey, aModel, anInventory, aWant, aWorker } from "../testing/fleets.ts";
import type { Want } from "./want.ts";
import { Registry } from "./registry.ts";

const join = (registry: Registry, hive_id: string, inventory = anInventory()): void => {
  registry.fleet.enrol(hive_id, 0);
  registry.hiveConnected(hive_id, 1, { inventory, jobs: [], now: 0 });
};

const submit = (registry: Registry, over: Partial<Want> = {}, now = 0): Want => {
  const want = aWant(over);
  registry.place(want, 0, now);
  return want;
};

const hivesOf = (registry: Registry) => registry.openJobs().map(({ placement }) => placement?.hive_id);

test("fifty at once for a cold model: one load on one hive", () => {
  const registry = new Registry(new NodeSql(":memory:"));
  for (const hive_id of ["a", "b", "c"]) join(registry, hive_id, anInventory({ workers: [], slots_default: 50 }));
  for (let n = 0; n < 50; n++) submit(registry, { model: n % 2 === 0 ? "bee" : "bee:f16" });
  expect(new Set(hivesOf(registry)).size).toBe(1);
  expect(registry.counts()).toEqual({ queued: 0, running: 50 });
});

describe("a conversation", () => {
  const session = (keep: string, ...find: string[]) => ({ keep, find: [keep, ...find] });
  const fleet = (): NodeSql => {
    const sql = new NodeSql(":memory:");
    const registry = new Registry(sql);
    for (const hive_id of ["a", "b", "c", "d"]) join(registry, hive_id);
    return sql;
  };

  test("comes back to the worker that served its turn before, also behind a restart; spills when that is busy", () => {
    const sql = fleet();
    let registry = new Registry(sql);
    // Somebody else is on the first hive: the conversation begins on another.
    submit(registry);
    const first = submit(registry, { session: session("one") });
    const home = registry.open(first.job_id)?.placement;
    registry.release(first.job_id, { state: "succeeded", finished_at: 1, hive_id: home!.hive_id });
    registry = new Registry(sql);
    const second = submit(registry, { session: session("two", "one") });
    expect(registry.open(second.job_id)?.placement).toEqual(home);
    submit(registry, { session: session("two", "one") });
    const spilled = submit(registry, { session: session("three", "two", "one") });
    expect(registry.open(spilled.job_id)?.placement?.hive_id).not.toBe(home?.hive_id);
  });

  test("that began on demand comes back to the worker that its result names", () => {
    const registry = new Registry(new NodeSql(":memory:"));
    join(registry, "a", anInventory({ workers: [] }));
    const first = submit(registry, { session: session("one") });
    const worker_id = "worker-llama-9101";
    const work = { prompt_tokens: 1, cached_tokens: 0, completion_tokens: 1, worker_id };
    registry.release(first.job_id, { state: "succeeded", finished_at: 1, hive_id: "a", work });
    const workers = [aWorker(), aWorker({ worker_id, port: 9101 })];
    registry.hiveChanged("a", 1, { inventory: anInventory({ workers }), now: 2 });
    const second = submit(registry, { session: session("two", "one") });
    expect(registry.open(second.job_id)?.placement?.worker_id).toBe(worker_id);
  });

  test("is not shown in the list of jobs, nor is any other account", () => {
    const registry = new Registry(fleet());
    const first = submit(registry, { session: session("one") });
    registry.release(first.job_id, { state: "succeeded", finished_at: 1, hive_id: "a" });
    expect(Object.keys(registry.jobs(1)[0] ?? {}).sort()).toEqual(
      ["finished_at", "hive_id", "job_id", "model", "operation", "state", "submitted_at"].sort(),
    );
  });
});

describe("waiting", () => {
  const closed = (): Registry => {
    const registry = new Registry(new NodeSql(":memory:"));
    join(registry, "a");
    registry.fleet.disconnected("a", 1, 0);
    return registry;
  };

  test("[QUEUE-1] no longer than was asked for: told until the job has ended, also by a queen that restarted", () => {
    const sql = new NodeSql(":memory:");
    const before = new Registry(sql);
    join(before, "a");
    before.fleet.disconnected("a", 1, 0);
    const [short, long] = [
      submit(before, { max_wait_ms: 5_000 }, 1_000),
      submit(before, { max_wait_ms: 60_000 }, 1_000),
    ];
    submit(before);
    const registry = new Registry(sql);
    expect(registry.line.deadlineAfter(1_000)).toBe(6_000);
    expect(registry.drain(5_999).filter(({ decision }) => decision.kind === "refused")).toEqual([]);
    const over = [{ job_id: short.job_id, decision: { kind: "refused", problem: { code: "deadline_exceeded" } } }];
    expect(registry.drain(6_000).filter(({ decision }) => decision.kind === "refused")).toMatchObject(over);
    // What is over gets no place any more, even if there is one now.
    registry.hiveConnected("a", 2, { inventory: anInventory(), jobs: [], now: 6_001 });
    const notices = registry.drain(6_001);
    expect(notices).toMatchObject([...over, { decision: { kind: "placed" } }, { decision: { kind: "placed" } }]);
    expect(registry.open(long.job_id)?.placement).toBeDefined();
    registry.release(short.job_id, { state: "failed", finished_at: 6_002 });
    expect([registry.line.expired(99_999), registry.line.deadlineAfter(0)]).toEqual([[], undefined]);
  });

  test("asking again is the same wait; a job that lost its place waits anew", () => {
    const registry = closed();
    const want = submit(registry, { max_wait_ms: 5_000 }, 1_000);
    registry.place(want, 0, 4_000);
    expect(registry.line.deadlineAfter(0)).toBe(6_000);
    registry.hiveConnected("a", 2, { inventory: anInventory(), jobs: [], now: 4_000 });
    registry.drain(4_000);
    registry.fleet.disconnected("a", 2, 50_000);
    registry.place(want, 2, 50_000);
    expect(registry.line.deadlineAfter(0)).toBe(55_000);
  });

  test("high before normal before low, and who comes later sees it in the position", () => {
    const registry = closed();
    const [low, normal, high] = (["low", "normal", "high"] as const).map((priority) => submit(registry, { priority }));
    expect(registry.place(aWant({ priority: "high" }), 0, 0)).toMatchObject({ kind: "waiting", position: 2 });
    expect(registry.place(aWant({ priority: "low" }), 0, 0)).toMatchObject({ kind: "waiting", position: 5 });
    registry.hiveConnected("a", 2, { inventory: anInventory({ workers: [aWorker({ slots: 3 })] }), jobs: [], now: 0 });
    registry.drain(0);
    expect([high, normal, low].map((want) => registry.open(want!.job_id)?.placement?.hive_id)).toEqual([
      "a",
      "a",
      undefined,
    ]);
  });

  test("who moves up is told so near the front, and now and then before; who is overtaken, at once", () => {
    const registry = new Registry(new NodeSql(":memory:"));
    join(registry, "a", anInventory({ workers: [aWorker({ slots: 1 })] }));
    const jobs = Array.from({ length: 12 }, () => submit(registry));
    const last = jobs.at(-1);
    const told: number[] = [];
    const listen = (): void => {
      for (const { job_id, decision } of registry.drain(0))
        if (job_id === last?.job_id && decision.kind === "waiting") told.push(decision.position);
    };
    for (const job of jobs.slice(0, 10)) {
      registry.release(job.job_id, { state: "succeeded", finished_at: 1, hive_id: "a" });
      listen();
    }
    expect(told).toEqual([8, 4, 3, 2, 1]);
    submit(registry, { priority: "high" });
    listen();
    expect(told.at(-1)).toBe(2);
  });

  test("how long it will be is told only when it is known", () => {
    const registry = new Registry(new NodeSql(":memory:"));
    join(registry, "a");
    const running: Want[] = [];
    const fill = () => running.push(submit(registry), submit(registry));
    fill();
    expect(registry.place(aWant(), 0, 0)).not.toHaveProperty("eta_ms");
    for (let n = 0; n < limits.eta_jobs_min; n++) {
      const want = aWant({ job_id: `told-${n}` });
      registry.place(want, 0, 0);
      registry.release(running.shift()!.job_id, { state: "succeeded", finished_at: 4_000, hive_id: "a" });
      registry.drain(0);
      running.push(want);
    }
    // One waits before it; two slots, four seconds each.
    expect(registry.place(aWant(), 0, 0)).toMatchObject({ position: 2, eta_ms: 4_000 });
    registry.fleet.disconnected("a", 1, 0);
    expect(registry.place(aWant(), 0, 0)).not.toHaveProperty("eta_ms");
  });

  test("one key takes no more than its share of the queue; others still come in", () => {
    const registry = closed();
    for (const key_id of ["script", "person"]) registry.keys.add(key_id, aKey(key_id));
    for (let n = 0; n < limits.open_jobs_per_key_max; n++) submit(registry, { key_id: "script" });
    expect(registry.place(aWant({ key_id: "script" }), 0, 0)).toMatchObject({
      kind: "refused",
      problem: { code: "queue_full", status: 429, detail: expect.stringContaining("of this key") as string },
    });
    expect(registry.place(aWant({ key_id: "person" }), 0, 0)).toMatchObject({ kind: "waiting", position: 2 });
    expect(registry.accounts.counters.refused).toEqual({ queue_full: 1 });
  });
});

test("labels come with the token, are shown, and stay until the machine joins anew", () => {
  const sql = new NodeSql(":memory:");
  const registry = new Registry(sql);
  registry.tokens.add("hash", { label: "den", labels: ["home", "gpu"], expires_at: 100 });
  registry.enrol("hash", { hive_id: "x", now: 1 });
  registry.hiveConnected("den", 1, { inventory: anInventory(), jobs: [], now: 0 });
  const again = new Registry(sql);
  expect(again.hives()).toMatchObject([{ hive_id: "den", labels: ["home", "gpu"] }]);
  expect(again.place(aWant({ hive_labels: ["gpu"] }), 0, 0).kind).toBe("placed");
  again.tokens.add("hash", { label: "den", expires_at: 100 });
  again.enrol("hash", { hive_id: "x", now: 1 });
  expect(new Registry(sql).hives()[0]).not.toHaveProperty("labels");
});

test("the queue in the order in which it is served, with why, whose and since when", () => {
  const registry = new Registry(new NodeSql(":memory:"));
  join(registry, "a", anInventory({ models: [aModel(), aModel({ id: "owl" })], workers: [] }));
  registry.fleet.disconnected("a", 1, 0);
  for (const key_id of ["script", "person"]) registry.keys.add(key_id, aKey(key_id));
  submit(registry, { model: "bee", key_id: "script" }, 5);
  submit(registry, { model: "owl", key_id: "person", priority: "high" }, 7);
  submit(registry, { model: "bee", key_id: "script" }, 9);
  expect(registry.queue(9)).toMatchObject([
    { model: "owl", priority: "high", key: "person", position: 1 },
    { model: "bee", priority: "normal", key: "script", position: 1 },
    { model: "bee", priority: "normal", key: "script", position: 2 },
  ]);
  for (const { reason } of registry.queue(9)) expect(reason).not.toBe("");
  expect(registry.queue(1)).toHaveLength(1);
});

test("a job is listed with the model that it is about, and its tokens are nobody's", () => {
  const registry = new Registry(new NodeSql(":memory:"));
  join(registry, "a");
  const { model: about = "", ...rest } = aWant({ operation: "model_load", hive_id: "a", offline: "fail" });
  const want = { ...rest, about };
  registry.place(want, 0, 0);
  expect(registry.jobs(1)).toMatchObject([{ model: "bee", state: "running" }]);
  registry.release(want.job_id, { state: "succeeded", finished_at: 9, hive_id: "a" });
  expect(registry.jobs(1)).toMatchObject([{ model: "bee", state: "succeeded" }]);
  expect(registry.accounts.report("model", { from: 0, to: 10 }).rows).toEqual([]);
});
