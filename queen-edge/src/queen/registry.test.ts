import type { Inventory } from "@rbee/contracts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NodeSql } from "../../../hive-agent/src/storage/node-sql.ts";
import { aModel, anInventory, aWant, aWorker } from "../testing/fleets.ts";
import { Registry } from "./registry.ts";

function colony(hives: Record<string, Inventory> = { box: anInventory() }): Registry {
  const registry = new Registry(new NodeSql(":memory:"));
  for (const [hive_id, inventory] of Object.entries(hives)) {
    registry.fleet.enrol(hive_id, 0);
    registry.hiveConnected(hive_id, 1, { inventory, jobs: [], now: 0 });
  }
  return registry;
}

const ended = { state: "succeeded", finished_at: 1 } as const;

test("[REG-1] a job that asks for a place behind its end is still counted once", () => {
  const registry = colony();
  const job = aWant();
  registry.place(job, 0, 0);
  expect(registry.release(job.job_id, ended)).toBe(true);
  registry.place(job, 2, 0);
  expect(registry.openCount).toBe(1);
  registry.release(job.job_id, ended);
  expect(registry.openCount).toBe(0);
  expect(registry.jobs(10).filter(({ job_id }) => job_id === job.job_id)).toHaveLength(1);
});

describe("placing", () => {
  test("[REG-5] a hive that lost a job gets it again only when no other can have it", () => {
    const registry = colony({ a: anInventory(), b: anInventory() });
    const job = aWant();
    expect(registry.place(job, 0, 0)).toMatchObject({ placement: { hive_id: "a" } });
    expect(registry.place(job, 2, 0)).toMatchObject({ placement: { hive_id: "b" } });
    expect(registry.place(job, 4, 0)).toMatchObject({ placement: { hive_id: "a" } });
    const pinned = aWant({ hive_id: "b" });
    expect(registry.place(pinned, 0, 0)).toMatchObject({ placement: { hive_id: "b" } });
    expect(registry.place(pinned, 2, 0)).toMatchObject({ placement: { hive_id: "b" } });
  });

  test("the emptiest worker first, across hives", () => {
    const registry = colony({ a: anInventory(), b: anInventory() });
    const places = Array.from({ length: 4 }, () => registry.place(aWant(), 0, 0));
    const hives = places.map((place) => (place.kind === "placed" ? place.placement.hive_id : place.kind));
    expect(hives.sort()).toEqual(["a", "a", "b", "b"]);
    expect(registry.place(aWant(), 0, 0)).toMatchObject({
      kind: "waiting",
      position: 1,
      reason: "every slot of bee is busy",
    });
  });

  test("what was begun elsewhere goes on only with the very same model, by whatever name its file goes", () => {
    const file = (digest?: string) => anInventory({ models: [aModel(digest === undefined ? {} : { digest })] });
    const registry = colony({ old: file(), other: file("gguf:2"), same: file("gguf:1") });
    expect(registry.place(aWant({ model_digest: "gguf:1" }), 2, 0)).toMatchObject({
      kind: "placed",
      placement: { hive_id: "same", model_digest: "gguf:1" },
    });
    expect(registry.place(aWant({ model_digest: "gguf:3" }), 2, 0)).toMatchObject({
      kind: "waiting",
      reason: "no hive that can go on with the same bee is connected",
    });
  });

  test("the model is honoured, and a model nobody has is refused with those there are", () => {
    const registry = colony({ a: anInventory({ models: [], workers: [] }), b: anInventory() });
    expect(registry.place(aWant(), 0, 0)).toMatchObject({ placement: { hive_id: "b" } });
    expect(registry.place(aWant({ model: "wasp" }), 0, 0)).toMatchObject({
      kind: "refused",
      problem: { code: "model_not_found", detail: expect.stringContaining("there is bee") as string },
    });
  });

  test("where nothing is loaded, the hive that has the file loads it, as many jobs at once as it would have slots", () => {
    const registry = colony({ a: anInventory({ workers: [] }) });
    const kinds = Array.from({ length: 3 }, () => registry.place(aWant(), 0, 0).kind);
    expect(kinds).toEqual(["placed", "placed", "waiting"]);
    // The worker is there now: those who asked for it fill its slots.
    registry.fleet.update("a", 1, { inventory: anInventory(), now: 0 });
    expect(registry.workers(0)).toMatchObject([{ slots_busy: 2 }]);
    expect(registry.drain(0)).toEqual([]);
  });

  test("never on a hive that is draining or away", () => {
    const registry = colony({ a: anInventory(), b: anInventory() });
    registry.fleet.update("a", 1, { draining: true, now: 0 });
    registry.fleet.disconnected("b", 1, 0);
    expect(registry.place(aWant(), 0, 0)).toMatchObject({
      kind: "waiting",
      reason: "no hive that has bee is connected",
    });
    expect(registry.place(aWant({ model: undefined, hive_id: "b", offline: "fail" } as never), 0, 0)).toMatchObject({
      problem: { code: "hive_offline" },
    });
  });

  test("a named worker or hive and no other", () => {
    const registry = colony({
      a: anInventory(),
      b: anInventory({ workers: [aWorker({ worker_id: "worker-llama-9101" })] }),
    });
    expect(registry.place(aWant({ worker_id: "worker-llama-9101" }), 0, 0)).toMatchObject({
      placement: { hive_id: "b" },
    });
    expect(registry.place(aWant({ hive_id: "a" }), 0, 0)).toMatchObject({ placement: { hive_id: "a" } });
    expect(registry.place(aWant({ worker_id: "worker-x" }), 0, 0)).toMatchObject({
      problem: { code: "worker_not_found" },
    });
  });

  test("[REG-2] asking again gives the same place, asking from a later term a new one", () => {
    const registry = colony();
    const job = aWant();
    expect(registry.place(job, 0, 0)).toEqual(registry.place(job, 0, 0));
    expect(registry.counts()).toEqual({ queued: 0, running: 1 });
    expect(registry.place(job, 2, 0)).toMatchObject({ kind: "placed" });
    expect(registry.counts()).toEqual({ queued: 0, running: 1 });
  });
});

describe("the queue", () => {
  test("[REG-1] a job is counted once, however often its end is told", () => {
    const registry = colony();
    const job = aWant();
    registry.place(job, 0, 0);
    expect([registry.release(job.job_id, ended), registry.release(job.job_id, ended)]).toEqual([true, false]);
    expect(registry.jobs(10)).toHaveLength(1);
  });

  test("a slot that comes free goes to whoever waited longest; the others are told once that they moved up", () => {
    const registry = colony();
    const [first, , third, fourth] = Array.from({ length: 4 }, () => aWant()).map(
      (job) => (registry.place(job, 0, 0), job),
    );
    registry.drain(0);
    registry.release(first!.job_id, ended);
    expect(registry.drain(0)).toMatchObject([
      { job_id: third!.job_id, decision: { kind: "placed" } },
      { job_id: fourth!.job_id, decision: { kind: "waiting", position: 1 } },
    ]);
    expect(registry.drain(0)).toEqual([]);
  });

  test("a job that cannot run does not hold up those behind it that can", () => {
    const registry = colony({
      a: anInventory(),
      b: anInventory({ models: [aModel({ id: "wasp" })], workers: [] }),
    });
    registry.fleet.disconnected("b", 1, 0);
    registry.place(aWant({ model: "wasp" }), 0, 0);
    expect(registry.place(aWant(), 0, 0).kind).toBe("placed");
  });

  test("a hive that comes back names the jobs it still has; the others are lost", () => {
    const registry = colony();
    const [kept, lost] = [aWant(), aWant()];
    registry.place(kept, 0, 0);
    registry.place(lost, 0, 0);
    const jobs = [{ job_id: kept.job_id, term: 1 }];
    const gone = registry.hiveConnected("box", 2, { inventory: anInventory(), jobs, now: 5 });
    expect(gone.map((job) => job.want.job_id)).toEqual([lost.job_id]);
  });

  test("a hive that comes back with an earlier term of a job has lost the one that it was given last", () => {
    const registry = colony();
    const job = aWant();
    registry.place(job, 2, 0);
    const jobs = [{ job_id: job.job_id, term: 1 }];
    const gone = registry.hiveConnected("box", 2, { inventory: anInventory(), jobs, now: 5 });
    expect(gone).toMatchObject([{ want: job, term: 3 }]);
  });

  test("[REG-2] a question that is older than what the job asked since changes nothing", () => {
    const registry = colony({ a: anInventory() });
    registry.fleet.disconnected("a", 1, 0);
    const job = aWant();
    registry.place(job, 2, 0);
    expect(registry.place(job, 0, 1)).toMatchObject({ kind: "waiting" });
    registry.hiveConnected("a", 2, { inventory: anInventory(), jobs: [], now: 2 });
    expect(registry.drain(2)).toMatchObject([{ term: 2, decision: { kind: "placed" } }]);
  });

  test("[REG-4] a job that can never run is told so until it has ended itself", () => {
    const registry = colony({ a: anInventory() });
    registry.fleet.disconnected("a", 1, 0);
    const job = aWant();
    registry.place(job, 0, 0);
    registry.hiveConnected("a", 2, { inventory: anInventory({ models: [], workers: [] }), jobs: [], now: 0 });
    const refused = [
      { job_id: job.job_id, term: 0, decision: { kind: "refused", problem: { code: "model_not_found" } } },
    ];
    expect(registry.drain(0)).toMatchObject(refused);
    expect(registry.drain(0)).toMatchObject(refused);
    registry.release(job.job_id, { state: "failed", finished_at: 1 });
    expect(registry.drain(0)).toEqual([]);
  });

  test("everything is there again after the object was evicted", () => {
    const sql = new NodeSql(":memory:");
    const before = new Registry(sql);
    before.fleet.enrol("box", 0);
    before.hiveConnected("box", 1, { inventory: anInventory(), jobs: [], now: 0 });
    for (let n = 0; n < 4; n++) before.place(aWant(), 0, 0);
    const after = new Registry(sql);
    expect(after.counts()).toEqual(before.counts());
    expect(after.jobs(10)).toEqual(before.jobs(10));
    expect(after.hives()).toEqual(before.hives());
  });

  test("whatever comes and goes, no worker holds more than its slots and no job is lost", () => {
    const step = fc.record({ do: fc.constantFrom("submit", "end", "leave", "return", "evict"), pick: fc.nat(50) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const sql = new NodeSql(":memory:");
        let registry = new Registry(sql);
        for (const hive of ["a", "b"]) registry.fleet.enrol(hive, 0);
        let session = 0;
        const open: string[] = [];
        for (const { do: what, pick } of steps) {
          const hive = pick % 2 === 0 ? "a" : "b";
          if (what === "submit") {
            const job = aWant();
            if (registry.place(job, 0, 0).kind !== "refused") open.push(job.job_id);
          } else if (what === "end" && open.length > 0) registry.release(open.splice(pick % open.length, 1)[0]!, ended);
          else if (what === "leave") registry.fleet.disconnected(hive, session, 0);
          else if (what === "return")
            registry.hiveConnected(hive, ++session, {
              inventory: anInventory(),
              jobs: open.map((job_id) => ({ job_id, term: 1 })),
              now: 0,
            });
          else if (what === "evict") registry = new Registry(sql);
          registry.drain(0);
          expect(registry.openCount).toBe(open.length);
          for (const { hive_id, slots } of registry.workers(0)) {
            const held = registry.openJobs().filter((job) => job.placement?.hive_id === hive_id).length;
            expect(held).toBeLessThanOrEqual(slots);
          }
        }
      }),
    );
  });
});

describe("joining", () => {
  test("a token works once, within its time, and gives the name it was made for", () => {
    const registry = new Registry(new NodeSql(":memory:"));
    registry.tokens.add("hash", { label: "den", expires_at: 100 });
    registry.tokens.add("late", { label: undefined, expires_at: 5 });
    expect(registry.enrol("hash", { hive_id: "laptop", now: 10 })).toEqual({ hive_id: "den", gen: 1 });
    expect(() => registry.enrol("hash", { hive_id: "laptop", now: 10 })).toThrow("join token");
    expect(() => registry.enrol("late", { hive_id: "laptop", now: 10 })).toThrow("join token");
  });
});
