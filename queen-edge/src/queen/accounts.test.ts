import { limits, usageBy, type UsageSums } from "@rbee/contracts";
import type { Sql } from "@rbee/job-core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NodeSql } from "../../../hive-agent/src/storage/node-sql.ts";
import { aKey, anInventory, aWant, aWorker } from "../testing/fleets.ts";
import type { Work } from "./finished.ts";
import type { Ending } from "./ledger.ts";
import { Registry } from "./registry.ts";
import { UsageBook } from "./usage-book.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ALWAYS = { from: 0, to: Number.MAX_SAFE_INTEGER };

function colony(sql: Sql): Registry {
  const registry = new Registry(sql);
  if (registry.fleet.find("a") !== undefined) return registry;
  for (const key_id of ["k0", "k1", "k2"]) registry.keys.add(key_id, aKey(key_id));
  for (const hive_id of ["a", "b"]) {
    registry.fleet.enrol(hive_id, 0);
    registry.hiveConnected(hive_id, 1, {
      inventory: anInventory({ workers: [aWorker({ slots: 64 })] }),
      jobs: [],
      now: 0,
    });
  }
  return registry;
}

const work = (over: Partial<Work> = {}): Work => ({
  prompt_tokens: 10,
  cached_tokens: 4,
  completion_tokens: 5,
  model: "bee",
  worker_id: "worker-llama-9100",
  generation_ms: 100,
  dispatches: 1,
  ...over,
});

const succeeded = (over: Partial<Ending> = {}): Ending => ({
  state: "succeeded",
  finished_at: 1_000,
  hive_id: "a",
  work: work(),
  ...over,
});

const numbers: (keyof UsageSums)[] = ["jobs", "failed", "prompt_tokens", "cached_tokens", "completion_tokens"];
const sumOf = (rows: readonly UsageSums[], field: keyof UsageSums): number =>
  rows.reduce((sum, row) => sum + row[field], 0);

describe("[REG-6] usage adds up to the jobs", () => {
  const step = fc.record({
    do: fc.constantFrom("run", "run", "run", "tell again", "ask again", "evict"),
    pick: fc.nat(1_000),
  });

  test("whatever is told twice, asked behind the end, or wakes anew", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: "max" }), (steps) => {
        const sql = new NodeSql(":memory:");
        let registry = colony(sql);
        const told: [string, Ending][] = [];
        const own = { jobs: 0, failed: 0, prompt_tokens: 0, cached_tokens: 0, completion_tokens: 0 };
        for (const { do: what, pick } of steps) {
          const [job_id, ending] = told[pick % Math.max(1, told.length)] ?? ["none", succeeded()];
          if (what === "evict") registry = colony(sql);
          else if (what === "tell again") registry.release(job_id, ending);
          else if (what === "ask again" && job_id !== "none") {
            registry.place(aWant({ job_id }), 2, 0);
            registry.release(job_id, ending);
          } else {
            const want = aWant({ key_id: `k${pick % 3}` });
            registry.place(want, 0, pick);
            const failed = pick % 5 === 0;
            const done = work({ prompt_tokens: pick, cached_tokens: pick >> 1, completion_tokens: pick % 7 });
            const end = succeeded({
              finished_at: pick * 60_000,
              hive_id: pick % 2 === 0 ? "a" : "b",
              work: done,
              ...(failed ? { state: "failed", error_code: "hive_lost" } : {}),
            });
            registry.release(want.job_id, end);
            told.push([want.job_id, end]);
            own.jobs++;
            own.failed += Number(failed);
            for (const field of ["prompt_tokens", "cached_tokens", "completion_tokens"] as const)
              own[field] += done[field];
          }
          for (const by of usageBy) {
            const { rows, total } = registry.accounts.report(by, ALWAYS);
            expect(total).toMatchObject(own);
            for (const field of numbers) expect(sumOf(rows, field)).toBe(total[field]);
          }
          const { finished, errors, tokens } = registry.accounts.counters;
          expect(Object.values(finished).reduce((a, b) => a + b, 0)).toBe(own.jobs);
          expect(errors["hive_lost"] ?? 0).toBe(own.failed);
          expect(tokens["bee"]?.[2] ?? 0).toBe(own.completion_tokens);
        }
      }),
      { numRuns: 60, endOnFailure: true },
    );
  });

  test("what hives do without an engine is not metered; a job that no hive had is, under no name", () => {
    const registry = colony(new NodeSql(":memory:"));
    const [waits, download] = [aWant(), aWant({ operation: "model_download", hive_id: "a" })];
    registry.place(waits, 0, 0);
    const { model: _, ...without } = download;
    registry.place(without, 0, 0);
    registry.release(download.job_id, { state: "succeeded", finished_at: 5, hive_id: "a" });
    registry.release(waits.job_id, { state: "cancelled", finished_at: 5 });
    expect(registry.accounts.report("hive", ALWAYS).rows).toMatchObject([
      { name: "", jobs: 1, cancelled: 1, units: 0 },
    ]);
    expect(registry.accounts.counters.finished).toEqual({ "model_download succeeded": 1, "infer cancelled": 1 });
  });

  test("units, slot time, and the hours that were asked for", () => {
    const registry = colony(new NodeSql(":memory:"));
    for (const hour of [1, 2, 2, 3]) {
      const want = aWant();
      registry.place(want, 0, hour * HOUR);
      registry.release(want.job_id, succeeded({ finished_at: hour * HOUR + 700 }));
    }
    const report = registry.accounts.report("model", { from: 2 * HOUR + 5, to: 3 * HOUR });
    expect(report.rows).toEqual([
      {
        name: "bee",
        jobs: 2,
        failed: 0,
        cancelled: 0,
        prompt_tokens: 20,
        cached_tokens: 8,
        completion_tokens: 10,
        slot_ms: 1_400,
        units: 52,
      },
    ]);
  });

  test("a job costs next to no row of its own", () => {
    const sql = new NodeSql(":memory:");
    let writes = 0;
    const counting: Sql = {
      exec: (query, ...bindings) => {
        if (/^(INSERT|UPDATE|DELETE)/.test(query)) writes++;
        return sql.exec(query, ...bindings);
      },
      transaction: (work) => sql.transaction(work),
    };
    const registry = colony(counting);
    const jobs = 10 * limits.accounts_every_jobs;
    writes = 0;
    for (let n = 0; n < jobs; n++) {
      const want = aWant();
      registry.place(want, 0, 0);
      registry.release(want.job_id, succeeded());
    }
    // Its line while it is open, the end of that, its line in the history; the rest is shared by many.
    expect(writes / jobs).toBeLessThan(3.1);
  });
});

describe("usage by the hour", () => {
  const facts = { key_id: "k", model: "bee", hive_id: "a", failed: 0, cancelled: 0 };
  const tokens = { prompt_tokens: 1, cached_tokens: 0, completion_tokens: 0, slot_ms: 0 };

  test("becomes usage by the day, with the same sums, and goes after its time", () => {
    const sql = new NodeSql(":memory:");
    const book = new UsageBook(sql);
    const now = 1_000 * DAY;
    for (let hour = 0; hour < 20 * 24; hour++) book.add({ ...facts, ...tokens, ended_at: now - hour * HOUR });
    book.save(now);
    expect(book.report("key", ALWAYS).total).toMatchObject({ jobs: 480, prompt_tokens: 480 });
    const spans = sql.exec<{ span: number }>("SELECT span FROM usage").map(({ span }) => span);
    expect(spans.filter((span) => span === DAY).length).toBeLessThanOrEqual(20 - limits.usage_hourly_days + 1);
    // One that was told late still counts.
    book.add({ ...facts, ...tokens, ended_at: now - 15 * DAY });
    book.save(now + DAY);
    expect(book.report("key", ALWAYS).total).toMatchObject({ jobs: 481 });
    book.save(now + (limits.usage_daily_days + 1) * DAY);
    expect(book.report("key", ALWAYS).total).toMatchObject({ jobs: 0 });
  });
});
