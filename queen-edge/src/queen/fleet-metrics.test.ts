import { describe, expect, test } from "vitest";
import { NodeSql } from "../../../hive-agent/src/storage/node-sql.ts";
import { anInventory, aWant, aWorker } from "../testing/fleets.ts";
import { parseExposition, type Parsed } from "../testing/exposition.ts";
import { bucketBounds } from "./counters.ts";
import { fleetMetrics } from "./fleet-metrics.ts";
import { exposition } from "./prometheus.ts";
import { Registry } from "./registry.ts";

test("labels are escaped, special numbers are written as Prometheus reads them", () => {
  const text = exposition([
    {
      name: "x",
      help: "back\\slash\nand line",
      type: "gauge",
      samples: [
        { labels: { model: 'a"b\\c\nd' }, value: 0.1 },
        { labels: { model: "inf" }, value: Infinity },
      ],
    },
  ]);
  expect(text).toBe(
    '# HELP x back\\\\slash\\nand line\n# TYPE x gauge\nx{model="a\\"b\\\\c\\nd"} 0.1\nx{model="inf"} +Inf\n',
  );
  expect(parseExposition(text).valueOf("x", { model: 'a"b\\c\nd' })).toBe(0.1);
});

describe("a fleet", () => {
  function shown(): Parsed {
    const registry = new Registry(new NodeSql(":memory:"));
    const workers = [aWorker({ slots: 2 }), aWorker({ worker_id: "worker-2", model: "wasp", slots: 3, port: 9101 })];
    for (const hive_id of ["a", "b", "c"]) registry.fleet.enrol(hive_id, 0);
    for (const hive_id of ["a", "b"])
      registry.hiveConnected(hive_id, 1, { inventory: anInventory(), jobs: [], now: 0 });
    registry.hiveChanged("a", 1, { inventory: anInventory({ workers }), now: 1 });
    registry.hiveChanged("b", 1, { inventory: anInventory({ workers: [] }), draining: true, now: 1 });
    const jobs = Array.from({ length: 4 }, () => aWant());
    for (const job of jobs) registry.place(job, 0, 2_000);
    registry.place(aWant({ model: "nobody" }), 0, 0);
    const work = { prompt_tokens: 9, cached_tokens: 2, completion_tokens: 7, generation_ms: 3_000, dispatches: 1 };
    registry.release(jobs[0]!.job_id, { state: "succeeded", finished_at: 7_000, hive_id: "a", work });
    registry.release(jobs[1]!.job_id, {
      state: "failed",
      finished_at: 9_000,
      hive_id: "a",
      error_code: "worker_died",
      work: { ...work, dispatches: 3 },
    });
    registry.drain(9_000);
    registry.place(aWant({ priority: "low", submitted_at: 9_000 }), 0, 9_000);
    return parseExposition(exposition(fleetMetrics(registry, 10_000)));
  }

  test("what it is now", () => {
    const { valueOf } = shown();
    expect(valueOf("rbee_hives", { state: "connected" })).toBe(1);
    expect(valueOf("rbee_hives", { state: "draining" })).toBe(1);
    expect(valueOf("rbee_hives", { state: "away" })).toBe(1);
    expect(valueOf("rbee_workers", { state: "ready" })).toBe(2);
    expect([valueOf("rbee_slots", { model: "bee" }), valueOf("rbee_slots_busy", { model: "bee" })]).toEqual([2, 2]);
    expect([valueOf("rbee_slots", { model: "wasp" }), valueOf("rbee_slots_busy", { model: "wasp" })]).toEqual([3, 0]);
    expect(valueOf("rbee_queue_jobs", { priority: "low" })).toBe(1);
    expect(valueOf("rbee_queue_oldest_seconds")).toBe(1);
    expect(valueOf("rbee_jobs_running")).toBe(2);
  });

  test("what it has done", () => {
    const { valueOf } = shown();
    expect(valueOf("rbee_jobs_finished_total", { operation: "infer", state: "succeeded" })).toBe(1);
    expect(valueOf("rbee_errors_total", { code: "worker_died" })).toBe(1);
    expect(valueOf("rbee_refusals_total", { code: "model_not_found" })).toBe(1);
    expect(valueOf("rbee_placements_total", { reason: "free" })).toBe(2);
    expect(valueOf("rbee_redispatches_total")).toBe(2);
    expect(valueOf("rbee_tokens_total", { model: "bee", kind: "completion" })).toBe(14);
    // One more came on a, and the one of b went.
    expect([valueOf("rbee_model_loads_total"), valueOf("rbee_model_unloads_total")]).toEqual([3, 1]);
    expect([valueOf("rbee_ttft_seconds_sum"), valueOf("rbee_ttft_seconds_count")]).toEqual([4, 1]);
    expect([valueOf("rbee_job_duration_seconds_sum"), valueOf("rbee_job_duration_seconds_count")]).toEqual([16, 2]);
    expect(valueOf("rbee_queue_wait_seconds_sum")).toBe(4);
  });

  test("has as many series as it has states, models and buckets, not as it has jobs", () => {
    const { samples, typeOf } = shown();
    expect(samples.filter(({ name }) => name === "rbee_ttft_seconds_bucket")).toHaveLength(bucketBounds.length + 1);
    expect(samples.length).toBeLessThan(100);
    for (const { name, labels } of samples) {
      expect(Object.keys(labels).filter((label) => /job|key|hive|worker/.test(label))).toEqual([]);
      expect(typeOf(name)).toBe(
        name.includes("_seconds_") ? "histogram" : name.endsWith("_total") ? "counter" : "gauge",
      );
    }
  });
});
