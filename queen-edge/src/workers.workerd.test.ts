import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { limits, type ActiveWorker, type Check, type HiveInfo } from "@rbee/contracts";
import { beforeEach, describe, expect, test } from "vitest";
import { anInventory, aWorker } from "./testing/fleets.ts";
import { dataOf, post, readAll, run, submit, view } from "./testing/queen-client.ts";
import { TestHive } from "./testing/test-hive.ts";

let hive: TestHive;
let hives = 0;
let worker_id: string;
const workers = (state: "ready" | "draining" = "ready") => [aWorker({ worker_id, state })];

/** A fleet of one for each test, with a worker of its own name. */
beforeEach(async () => {
  hive = await TestHive.enrol(`keeper-${++hives}`);
  worker_id = `worker-${hive.hive_id}-9100`;
  return () => hive.hangUp();
});

const infer = () => submit({ operation: "infer", model: "bee", prompt: "Hello", hive_id: hive.hive_id });
const get = async (): Promise<ActiveWorker> =>
  (await run<{ worker: ActiveWorker }>({ operation: "active_worker_get", worker_id })).worker;

describe("retiring a worker", () => {
  test("the hive is asked to let it finish, nothing new comes to it, and a restarted queen remembers", async () => {
    await hive.connect({ inventory: anInventory({ workers: workers() }) });
    await infer();
    const running = await hive.op();
    expect(running.worker_id).toBe(worker_id);
    const { message } = await run<{ message: string }>({ operation: "active_worker_retire", worker_id });
    expect(message).toContain("finishes 1 running");
    const asked = await hive.op();
    expect(asked).toMatchObject({
      operation: "worker_process_delete",
      input: { hive_id: hive.hive_id, worker_id, keep: false, drain_ms: limits.worker_drain_ms },
    });
    const next = await infer();
    expect((await view(next)).state).toBe("queued");
    await evictDurableObject(env.REGISTRY.getByName("main"));
    expect(await get()).toMatchObject({ state: "draining", retired: "stop", slots_busy: 1 });
    expect((await view(next)).state).toBe("queued");
    hive.control.send({ t: "inventory", inventory: anInventory({ workers: workers("draining") }) });
    const placed = await hive.op();
    expect([placed.job_id, placed.worker_id]).toEqual([next, undefined]);
  });

  test("a worker nobody has is an error that names those there are", async () => {
    await hive.connect({ inventory: anInventory({ workers: workers() }) });
    for (const operation of ["active_worker_get", "active_worker_retire"]) {
      const response = await post({ operation, worker_id: "worker-none" });
      const { job_id }: { job_id: string } = await response.json();
      expect((await view(job_id)).error).toMatchObject({
        code: "worker_not_found",
        detail: expect.stringContaining(worker_id) as string,
      });
    }
  });

  test("a hive that comes back with it is asked again", async () => {
    await hive.connect({ inventory: anInventory({ workers: workers() }) });
    await run({ operation: "active_worker_retire", worker_id, keep: true });
    const first = await hive.op();
    expect(first.input).toMatchObject({ keep: true });
    await hive.hangUp();
    expect(await get()).toMatchObject({ state: "unreachable", retired: "keep" });
    await hive.connect({ inventory: anInventory({ workers: workers() }), jobs: [first] });
    expect(await get()).toMatchObject({ state: "draining", retired: "keep", since: expect.any(Number) as number });
  });
});

test("the queen tests herself", async () => {
  await hive.connect();
  const id = await submit({ operation: "queen_check" });
  const said = dataOf(await readAll(id));
  expect(said[0]).toContain("[INFO] Looking at storage");
  const { checks } = (await view(id)).result as { checks: Check[] };
  expect(Object.fromEntries(checks.map(({ name, ok }) => [name, ok]))).toEqual({
    storage: true,
    // Hives of other tests are away, and said to be.
    hives: expect.any(Boolean) as boolean,
    audit: true,
    secrets: true,
    clock: true,
  });
});

test("a hive that is away cannot look at its devices: an error, and the old list stays, marked stale", async () => {
  const device = { id: "cpu", kind: "cpu", name: "A CPU", memory_total_bytes: 2, memory_free_bytes: 1 } as const;
  await hive.connect({ inventory: anInventory({ devices: [device] }) });
  await hive.hangUp();
  const response = await post({ operation: "hive_refresh_capabilities", hive_id: hive.hive_id });
  expect([response.status, await response.json()]).toMatchObject([503, { code: "hive_offline" }]);
  const answer = await run<{ hive: HiveInfo }>({ operation: "hive_get", hive_id: hive.hive_id });
  expect(answer.hive).toMatchObject({ connected: false, stale: true, devices: [device] });
});
