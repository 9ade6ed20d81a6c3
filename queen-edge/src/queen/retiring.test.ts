import { limits, type Inventory, type WorkerInfo } from "@rbee/contracts";
import type { Sql } from "@rbee/job-core";
import { beforeEach, expect, test } from "vitest";
import { NodeSql } from "../../../hive-agent/src/storage/node-sql.ts";
import { anInventory, aWant, aWorker } from "../testing/fleets.ts";
import { Registry } from "./registry.ts";

const WORKER = aWorker().worker_id;
const inventory = (...workers: WorkerInfo[]): Inventory => anInventory({ workers });

let sql: Sql;
let registry: Registry;
beforeEach(() => {
  sql = new NodeSql(":memory:");
  registry = new Registry(sql);
  registry.fleet.enrol("box", 0);
  registry.hiveConnected("box", 1, { inventory: inventory(aWorker()), jobs: [], now: 5 });
});
const says = (...workers: WorkerInfo[]) =>
  registry.hiveChanged("box", 1, { inventory: inventory(...workers), now: 10 });
const retire = (keep = false) => registry.retire(WORKER, { keep, now: 10 });

test("[WORKER-1] from that instant nothing new, whoever restarts; what runs keeps its place", () => {
  const running = aWant();
  registry.place(running, 0, 0);
  retire();
  // An evicted or restarted queen reads it again.
  registry = new Registry(sql);
  const next = aWant();
  expect(registry.place(next, 0, 0)).toMatchObject({ kind: "waiting" });
  expect(registry.workers(10)).toMatchObject([{ state: "draining", retired: "stop", slots_busy: 1 }]);
  expect(registry.counts()).toEqual({ queued: 1, running: 1 });
  // Until the hive knows it would give the job to that very worker, so the hive gets none that it may place itself.
  expect(registry.drain(0).filter(({ decision }) => decision.kind === "placed")).toEqual([]);
  says(aWorker({ state: "draining" }));
  expect(registry.drain(0)).toMatchObject([{ job_id: next.job_id, decision: { placement: { hive_id: "box" } } }]);
});

test("[WORKER-2] the hive is asked until it heeds, not more often than it must be", () => {
  retire(true);
  const asked = { hive_id: "box", worker_id: WORKER, pid: 1, keep: true };
  expect(registry.retirements(100_000)).toEqual([asked]);
  expect(registry.retirements(100_001)).toEqual([]);
  expect(registry.retirements(100_000 + limits.worker_retire_retry_ms)).toEqual([asked]);
  says(aWorker({ state: "draining" }));
  expect(registry.retirements(999_999)).toEqual([]);
  // The agent restarted, and found a worker that it takes for a good one.
  says(aWorker());
  expect(registry.retirements(999_999)).toEqual([asked]);
  registry.fleet.disconnected("box", 1, 20);
  expect(registry.retirements(9_999_999)).toEqual([]);
});

test("one that was to stay may still be stopped later", () => {
  retire(true);
  registry.retirements(100_000);
  says(aWorker({ state: "draining" }));
  retire();
  expect(registry.retirements(100_001)).toMatchObject([{ keep: false }]);
  expect(registry.retirements(200_000)).toEqual([]);
});

test("a worker that comes later under the same name is another one", () => {
  retire();
  says(aWorker({ pid: 2 }));
  expect(registry.workers(10)).toMatchObject([{ state: "ready" }]);
  expect(registry.workers(10)[0]).not.toHaveProperty("retired");
  expect(registry.place(aWant(), 0, 0)).toMatchObject({ placement: { worker_id: WORKER } });
  says();
  expect(registry.workers(10)).toEqual([]);
  expect(() => retire()).toThrow("no worker");
});

test("since when it is there, and how fast it was last", () => {
  const job = aWant();
  registry.place(job, 0, 0);
  const speed = { hive_id: "box", worker_id: WORKER, tokens_per_s: 42 };
  registry.release(job.job_id, { state: "succeeded", finished_at: 9, speed });
  expect(registry.workers(10)).toMatchObject([{ since: 5, tokens_per_s: 42 }]);
  expect(registry.jobs(1)[0]).not.toHaveProperty("speed");
});

test("workers of a hive that went away are unreachable, then go; its lists are marked stale", () => {
  registry.fleet.disconnected("box", 1, 1_000);
  expect(registry.workers(2_000)).toMatchObject([{ state: "unreachable" }]);
  expect(registry.hives()).toMatchObject([{ connected: false, stale: true }]);
  expect(registry.workers(1_000 + limits.worker_unreachable_ms)).toEqual([]);
  registry.hiveConnected("box", 2, { inventory: inventory(aWorker()), jobs: [], now: 2_000_000 });
  expect(registry.workers(2_000_000)).toMatchObject([{ state: "ready", since: 5 }]);
});
