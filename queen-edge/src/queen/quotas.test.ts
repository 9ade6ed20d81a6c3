import { limits, type KeyLimits } from "@rbee/contracts";
import type { Sql } from "@rbee/job-core";
import { describe, expect, test } from "vitest";
import { NodeSql } from "../../../hive-agent/src/storage/node-sql.ts";
import { aKey, anInventory, aWant, aWorker } from "../testing/fleets.ts";
import { Registry } from "./registry.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;

/** A key with limits, one hive with room, and what happens when jobs come. */
class Colony {
  registry: Registry;
  readonly #sql: Sql = new NodeSql(":memory:");

  constructor(may: KeyLimits) {
    this.registry = new Registry(this.#sql);
    this.registry.keys.add("hash", aKey("script", { limits: may }));
    this.registry.fleet.enrol("a", 0);
    const inventory = anInventory({ workers: [aWorker({ slots: 64 })] });
    this.registry.hiveConnected("a", 1, { inventory, jobs: [], now: 0 });
  }

  wake(): void {
    this.registry = new Registry(this.#sql);
  }

  /** @returns the job that was taken, or what it was refused with */
  submit(now: number, over: Parameters<typeof aWant>[0] = {}) {
    const want = aWant({ key_id: "script", submitted_at: now, ...over });
    const decision = this.registry.place(want, 0, now);
    return decision.kind === "refused" ? { ...decision.problem } : { taken: want.job_id };
  }

  end(job_id: string | undefined, finished_at: number, tokens = 0): void {
    const work = { prompt_tokens: tokens - 1, cached_tokens: 0, completion_tokens: 1, model: "bee" };
    this.registry.release(job_id ?? "", { state: "succeeded", finished_at, hive_id: "a", work });
  }
}

const limited = (detail: string, more: object = {}) => ({
  code: "rate_limited",
  status: 429,
  retryable: true,
  detail: expect.stringContaining(detail) as string,
  ...more,
});

describe("[KEY-6] a key may submit so many jobs a minute", () => {
  test("and no more until the next minute of the clock, also behind a wake", () => {
    const colony = new Colony({ requests_per_minute: 3 });
    const now = 10 * MINUTE + 15_000;
    const first = colony.submit(now);
    colony.submit(now);
    // One that has ended was submitted all the same.
    colony.end(first.taken, now);
    colony.wake();
    expect(colony.submit(now + 1)).toHaveProperty("taken");
    for (const wake of [false, true]) {
      if (wake) colony.wake();
      const refused = colony.submit(now + 5_000);
      expect(refused).toMatchObject(limited("requests_per_minute (3); it may go on in 40 s", { retry_after_s: 40 }));
    }
    expect(colony.submit(11 * MINUTE)).toHaveProperty("taken");
  });

  test("a job that asks again for its place is no other job, nor is one that lost its hive", () => {
    const { registry } = new Colony({ requests_per_minute: 1, concurrent: 1 });
    const want = aWant({ key_id: "script" });
    for (const term of [0, 0, 2]) expect(registry.place(want, term, 0).kind).toBe("placed");
    registry.drop(want.job_id, 0);
    expect(registry.place(want, 4, 0).kind).toBe("placed");
    expect(registry.quotas.allowances("script", 0).requests).toMatchObject({ remaining: 0, limit: 1 });
  });

  test("of the registry's own clock, whatever that of a Worker says", () => {
    const colony = new Colony({ requests_per_minute: 2 });
    const now = 10 * MINUTE;
    // Stamped before the minute began, and behind its end.
    for (const submitted_at of [now - 1, 11 * MINUTE])
      expect(colony.submit(now, { submitted_at })).toHaveProperty("taken");
    expect(colony.submit(now, { submitted_at: 11 * MINUTE })).toMatchObject(limited("requests_per_minute (2)"));
    expect(colony.submit(11 * MINUTE)).toHaveProperty("taken");
  });

  test("and goes on being counted when the clock was set back, also at a wake", () => {
    const colony = new Colony({ requests_per_minute: 1 });
    expect(colony.submit(99 * MINUTE)).toHaveProperty("taken");
    for (const minute of [10, 11]) {
      if (minute === 11) colony.wake();
      expect(colony.submit(minute * MINUTE)).toHaveProperty("taken");
      expect(colony.submit(minute * MINUTE)).toMatchObject(limited("requests_per_minute (1)"));
    }
  });

  test("and others, with and without limits, are not its affair; nor is what needs no model", () => {
    const colony = new Colony({ requests_per_minute: 1 });
    colony.registry.keys.add("other", aKey("other", { limits: { requests_per_minute: 1 } }));
    for (const key_id of ["script", "other", "owner", "owner"])
      expect(colony.submit(0, { key_id })).toHaveProperty("taken");
    expect(colony.submit(0)).toMatchObject(limited("requests_per_minute"));
    const listing = aWant({ key_id: "script", operation: "model_list", hive_id: "a" });
    delete (listing as { model?: string }).model;
    expect(colony.registry.place(listing, 0, 0).kind).toBe("placed");
  });
});

test("[KEY-3] who began to submit with a key and ended when it was worthless is refused; what is there goes on", () => {
  const colony = new Colony({ requests_per_minute: 9 });
  const { registry } = colony;
  registry.keys.add("other", aKey("brief", { expires_at: 500 }));
  const open = aWant({ key_id: "script" });
  registry.place(open, 0, 0);
  registry.keys.revoke("script", 100);
  const ended = { code: "unauthorized", status: 401, detail: "the key was revoked, or its time is up" };
  // Also behind a clock that went back, and when nothing is known of the key any more.
  for (const now of [100, 0]) expect(colony.submit(now)).toMatchObject(ended);
  expect(colony.submit(499, { key_id: "brief" })).toHaveProperty("taken");
  expect(colony.submit(500, { key_id: "brief" })).toMatchObject(ended);
  registry.keys.forget("script");
  expect(colony.submit(9_000)).toMatchObject(ended);
  for (const term of [0, 2]) expect(registry.place(open, term, 9_000).kind).toBe("placed");
  for (const key_id of ["owner", "queen"]) expect(colony.submit(9_000, { key_id })).toHaveProperty("taken");
});

describe("[KEY-6] a key may use so many tokens a day", () => {
  test("and no more until midnight in UTC; what runs then ends, and all of it outlives the object", () => {
    const colony = new Colony({ tokens_per_day: 100 });
    const noon = 3 * DAY + DAY / 2;
    const jobs = [0, 1].map(() => colony.submit(noon).taken);
    colony.end(jobs[0], noon, 99);
    expect(colony.submit(noon)).toHaveProperty("taken");
    colony.wake();
    // The last one begins with tokens left and ends without.
    colony.end(jobs[1], noon + 1_000, 50);
    for (const wake of [false, true]) {
      if (wake) colony.wake();
      const refused = colony.submit(noon + 1_000);
      const detail = "tokens_per_day (100); it may go on at 0:00 UTC";
      expect(refused).toMatchObject(limited(detail, { retry_after_s: DAY / 2_000 - 1 }));
    }
    const [key] = colony.registry.quotas.keys(noon + 1_000);
    expect(key).toMatchObject({ limits: { tokens_per_day: 100 }, today: { jobs: 2, tokens: 149 } });
    expect(colony.submit(4 * DAY)).toHaveProperty("taken");
    expect(colony.registry.quotas.keys(4 * DAY)[0]).toMatchObject({ today: { jobs: 0, tokens: 0 } });
  });

  test("that are counted once, whether the accounts were written or not", () => {
    const colony = new Colony({ tokens_per_day: 1_000_000 });
    const jobs = limits.accounts_every_jobs + 3;
    for (let n = 0; n < jobs; n++) {
      colony.end(colony.submit(n).taken, n, 10);
      if (n % 20 === 7) colony.wake();
      expect(colony.registry.quotas.allowances("script", n).tokens?.remaining).toBe(1_000_000 - 10 * (n + 1));
    }
  });
});

describe("[KEY-6] a key may have so many jobs open at once", () => {
  test("running or waiting, and another one when one has ended", () => {
    const colony = new Colony({ concurrent: 2 });
    const { taken } = colony.submit(0);
    colony.registry.fleet.disconnected("a", 1, 0);
    expect(colony.submit(0)).toHaveProperty("taken");
    expect(colony.registry.counts()).toEqual({ running: 1, queued: 1 });
    colony.wake();
    expect(colony.submit(0)).toMatchObject(limited("concurrent (2); it may go on when one"));
    expect(colony.submit(0)).not.toHaveProperty("retry_after_s");
    colony.end(taken, 1);
    expect(colony.submit(0)).toHaveProperty("taken");
  });
});

test("of several reasons the one that lasts longest is told; what is left is told of each", () => {
  const colony = new Colony({ requests_per_minute: 1, tokens_per_day: 5, concurrent: 1 });
  expect(colony.registry.quotas.allowances("script", 90_000)).toEqual({
    requests: { limit: 1, remaining: 1, resets_in_s: 30 },
    tokens: { limit: 5, remaining: 5, resets_in_s: DAY / 1_000 - 90 },
  });
  const { taken } = colony.submit(90_000);
  expect(colony.submit(90_000)).toMatchObject(limited("requests_per_minute"));
  colony.end(taken, 90_000, 9);
  expect(colony.submit(90_000)).toMatchObject(limited("tokens_per_day"));
  expect(colony.registry.quotas.allowances("script", 90_000).tokens?.remaining).toBe(0);
});

test("a key that is revoked or over is nobody's, and is looked at once more", () => {
  const { keys } = new Colony({ concurrent: 1 }).registry;
  keys.add("brief", aKey("brief", { expires_at: 1_000 }));
  expect(keys.cutOffAt).toBe(1_000 + limits.key_cut_off_ms);
  keys.revoke("script", 500);
  expect(() => keys.revoke("script", 500)).toThrow('no key "script"; there is brief');
  // The clock may go back.
  for (const now of [500, 0]) {
    expect(keys.use("hash", now)).toBeUndefined();
    expect(keys.list(now).map(({ key_id }) => key_id)).toEqual(["brief"]);
  }
  expect(keys.ended(500)).toEqual([]);
  expect(keys.cutOffAt).toBe(500 + limits.key_cut_off_ms);
  const ended = keys.ended(1_000 + limits.key_cut_off_ms);
  expect(ended).toMatchObject([{ key_id: "brief", scope: "infer" }, { key_id: "script" }]);
  for (const { key_id } of ended) keys.forget(key_id);
  expect(keys.cutOffAt).toBeUndefined();
  expect(keys.limitsOf("script", 0)).toBeUndefined();
});
