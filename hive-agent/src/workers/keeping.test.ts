import type { Device } from "@rbee/contracts";
import { afterEach, expect, test } from "vitest";
import {
  collect,
  counting,
  failureOf,
  generationOf,
  isGone,
  never,
  newId,
  testHive,
  type TestHive,
} from "./testing.ts";

/** How long workers stay: real processes, and a machine whose memory is what the test says. */

let hive: TestHive;
afterEach(async () => hive.end());

const inTime = { timeout: 25_000 };
const list = () => hive.supervisor.list();
const load = async (model: string, keep_alive: number) =>
  hive.supervisor.ensure(model, { signal: never }, hive.supervisor.keeping.onDemand(keep_alive));
const ask = (worker_id: string, max_tokens: number, signal = never) =>
  hive.supervisor.generate(
    worker_id,
    { id: newId(), generation: generationOf({ prompt: "Count", max_tokens }) },
    signal,
  );
const use = async (worker_id: string) => collect(ask(worker_id, 1));

/** Bytes of bee-tiny with its context, as the hive reckons them. */
let each = 0;
/** A machine with memory for so many workers. */
async function startSmall(workers: number, options: Parameters<typeof testHive>[0] = {}): Promise<void> {
  const devices = async (): Promise<Device[]> => {
    const memory_total_bytes = each === 0 ? Number.MAX_SAFE_INTEGER : Math.ceil(each * (workers + 0.5));
    const taken = (hive?.supervisor.list() ?? []).reduce((sum, { memory_bytes = 0 }) => sum + memory_bytes, 0);
    const memory_free_bytes = Math.max(0, memory_total_bytes - taken);
    return [{ id: "cpu", kind: "cpu", name: "cpu", memory_total_bytes, memory_free_bytes }];
  };
  each = 0;
  hive = await testHive({ kinds: counting, devices, slots: 1, ...options });
  for (const name of ["one", "two", "three"]) await hive.addModel(name);
  const { memory_bytes = 0, pid } = await hive.supervisor.spawn({ model: "one" }, { signal: never });
  await hive.supervisor.stop(pid);
  each = memory_bytes;
}

test("[KEEP-1] what a request loaded is stopped when it was idle for its time, and comes back for the next one", async () => {
  hive = await testHive({ kinds: counting });
  const first = await load("bee-tiny", 0.2);
  const running = ask(first.worker_id, 400);
  await running.next();
  expect((await collect(running)).finish_reason).toBe("length");
  await expect.poll(list, inTime).toEqual([]);
  expect(await isGone(first.pid)).toBe(true);
  expect(hive.supervisor.keeping.stops).toEqual({ idle: 1, memory: 0 });
  const again = await load("bee-tiny", 600);
  expect(again.pid).not.toBe(first.pid);
  await use(again.worker_id);
  await hive.supervisor.keeping.requested(again.worker_id, 0);
  await expect.poll(list, inTime).toEqual([]);
});

test("[KEEP-1] a person's worker stays, whatever requests say; one that a person takes over does too", async () => {
  hive = await testHive({ kinds: counting });
  const { keeping } = hive.supervisor;
  const { worker_id } = await hive.supervisor.spawn({ model: "bee-tiny" }, { signal: never });
  await use(worker_id);
  await keeping.requested(worker_id, 0);
  expect(list()).toMatchObject([{ worker_id, state: "ready" }]);
  expect(list()[0]).not.toHaveProperty("keep_alive");
  await keeping.wanted(worker_id, { pin: true });
  expect(list()).toMatchObject([{ worker_id, held: "pinned" }]);
  await keeping.wanted(worker_id, { keep_alive: 0.1, pin: false });
  await expect.poll(list, inTime).toEqual([]);
});

test("[KEEP-1] the next agent stops what the last one would have stopped, and keeps what it kept", async () => {
  hive = await testHive({ kinds: counting });
  const pinned = await hive.supervisor.spawn({ model: "bee-tiny", pin: true }, { signal: never });
  hive.supervisor.close();
  const next = hive.again();
  await next.adopt();
  const { worker_id } = await next.spawn({ model: "bee-tiny", on_demand: true, keep_alive: 600 }, { signal: never });
  const served = { id: newId(), generation: generationOf({ prompt: "Count", max_tokens: 1 }) };
  await collect(next.generate(worker_id, served, never));
  await next.keeping.requested(worker_id, 1);
  next.close();
  const last = hive.again();
  await last.adopt();
  expect(last.list()).toMatchObject([{ held: "pinned" }, { worker_id, keep_alive: 1 }]);
  await expect.poll(() => last.list(), inTime).toMatchObject([{ worker_id: pinned.worker_id, held: "pinned" }]);
});

test("[EVICT-1] a load that does not fit stops the worker that was idle for longest, and no other", async () => {
  await startSmall(2);
  const one = await load("one", 600);
  const two = await load("two", 600);
  await use(one.worker_id);
  await use(two.worker_id);
  await use(one.worker_id);
  const three = await load("three", 600);
  expect(
    list()
      .map(({ model }) => model)
      .toSorted(),
  ).toEqual(["one", "three"]);
  expect(await isGone(two.pid)).toBe(true);
  expect(hive.supervisor.keeping.stops).toEqual({ idle: 0, memory: 1 });
  expect(hive.supervisor.get(three.worker_id)?.held).toBe("unserved");
});

test("[EVICT-1] never one that is busy, pinned or not used yet: the refusal says who keeps what", async () => {
  await startSmall(2);
  const busy = await load("one", 0);
  const running = ask(busy.worker_id, 30_000);
  await running.next();
  const pinned = await hive.supervisor.spawn({ model: "two", pin: true }, { signal: never });
  await use(pinned.worker_id);
  const refused = await failureOf(hive.supervisor.spawn({ model: "three" }, { signal: never }));
  expect(refused.code).toBe("insufficient_memory");
  expect(refused.message).toContain(`${busy.worker_id} keeps`);
  expect(refused.message).toMatch(/GiB \(busy\).*GiB \(pinned\)/);
  await hive.supervisor.keeping.wanted(pinned.worker_id, { pin: false });
  expect((await load("three", 600)).state).toBe("ready");
  expect(
    list()
      .map(({ model }) => model)
      .toSorted(),
  ).toEqual(["one", "three"]);
  // Nobody has used the third one yet.
  expect((await failureOf(hive.supervisor.spawn({ model: "two" }, { signal: never }))).message).toContain("(unserved)");
  await hive.supervisor.stop(busy.pid);
  await running.return(undefined as never);
});

test("[AGENT-24] a request waits for room that busy workers have, and begins when they are done", async () => {
  await startSmall(1);
  const busy = await load("one", 600);
  const stop = new AbortController();
  const running = ask(busy.worker_id, 30_000, stop.signal);
  await running.next();
  const waiting = load("two", 600);
  expect(list()).toMatchObject([{ model: "one" }]);
  const impatient = new AbortController();
  const { keeping } = hive.supervisor;
  const left = failureOf(hive.supervisor.ensure("three", { signal: impatient.signal }, keeping.onDemand()));
  impatient.abort(new Error("changed my mind"));
  expect((await left).message).toBe("changed my mind");
  stop.abort(new Error("enough"));
  expect((await failureOf(collect(running))).message).toBe("enough");
  expect((await waiting).model).toBe("two");
  expect(list()).toMatchObject([{ model: "two" }]);
});

test("[AGENT-24] what is busy for too long is left to the queen; what never fits is refused at once", async () => {
  await startSmall(1, { room_wait_ms: 300 });
  const busy = await load("one", 600);
  const running = ask(busy.worker_id, 30_000);
  await running.next();
  const refused = await failureOf(load("two", 600));
  expect(refused).toMatchObject({ code: "worker_busy" });
  expect(refused.message).toContain("(busy)");
  await hive.supervisor.keeping.wanted(busy.worker_id, { pin: true });
  expect((await failureOf(load("two", 600))).code).toBe("insufficient_memory");
  await running.return(undefined as never);
});
