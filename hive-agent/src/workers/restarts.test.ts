import { limits } from "@rbee/contracts";
import { once } from "node:events";
import { readdir, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import path from "node:path";
import { afterEach, expect, test } from "vitest";
import { WorkerPorts } from "./ports.ts";
import { startApi } from "./testing-api.ts";
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

/** Workers that die while they are wanted, and workers that are wanted no more. */

let hive: TestHive;
afterEach(async () => hive.end());

const start = async (options: Parameters<typeof testHive>[0] = {}) => {
  hive = await testHive({ kinds: counting, restart_min_ms: 10, ...options });
};
const spawn = async () => hive.supervisor.spawn({ model: "bee-tiny", slots: 2 }, { signal: never });
const list = () => hive.supervisor.list();
const inTime = { timeout: 20_000 };

test("[WORK-3] a worker that dies is started again, and says so", async () => {
  await start();
  const info = await spawn();
  process.kill(info.pid, "SIGKILL");
  await expect.poll(list, inTime).toMatchObject([{ model: "bee-tiny", state: "ready", restarts: 1 }]);
  const [again] = list();
  expect(again?.pid).not.toBe(info.pid);
  const call = { id: newId(), generation: generationOf({ prompt: "Count", max_tokens: 3 }) };
  expect((await collect(hive.supervisor.generate(again?.worker_id ?? "", call, never))).text).toBe("1 2 3 ");
});

test("[WORK-3] while it is away it is listed with its end, and whoever wants its model waits for it", async () => {
  await start({ restart_min_ms: 200 });
  const info = await spawn();
  process.kill(info.pid, "SIGKILL");
  await expect
    .poll(list, inTime)
    .toMatchObject([{ state: "starting", problem: expect.stringContaining("SIGKILL") as string }]);
  expect(hive.supervisor.ready("bee-tiny")).toEqual([]);
  const ensured = await hive.supervisor.ensure("bee-tiny", { signal: never });
  expect(ensured.pid).not.toBe(info.pid);
  await expect.poll(list, inTime).toMatchObject([{ pid: ensured.pid, state: "ready", restarts: 1 }]);
});

test("[WORK-3] one that cannot be started again is given up, with its last words, and can be removed", async () => {
  const api = await startApi(["bees"]);
  hive = await testHive({ restart_min_ms: 10 });
  const info = await hive.supervisor.spawn(
    { model: "bees", kind: "openai", url: api.url, slots: 1 },
    { signal: never },
  );
  await api.close();
  process.kill(info.pid, "SIGKILL");
  await expect.poll(list, inTime).toMatchObject([{ state: "dead", restarts: limits.worker_restarts_max }]);
  const [dead] = list();
  expect(dead?.problem).toContain("broke the connection");
  expect(await hive.supervisor.stop(dead?.pid ?? 0)).toMatchObject({ worker_id: info.worker_id });
  expect(list()).toEqual([]);
});

test("one whose model is gone is given up too", async () => {
  await start();
  const file = await hive.addModel("copy");
  const info = await hive.supervisor.spawn({ model: "copy", slots: 1 }, { signal: never });
  await rm(file);
  process.kill(info.pid, "SIGKILL");
  await expect
    .poll(list, inTime)
    .toMatchObject([{ state: "dead", problem: expect.stringContaining("copy") as string }]);
});

test("stopping one that waits for its next start stops that too", async () => {
  await start({ restart_min_ms: 60_000 });
  const info = await spawn();
  process.kill(info.pid, "SIGKILL");
  await expect.poll(list, inTime).toMatchObject([{ state: "starting" }]);
  await hive.supervisor.drain(info.worker_id);
  expect(list()).toEqual([]);
  expect(await failureOf(hive.supervisor.stop(info.pid))).toMatchObject({ code: "worker_not_found" });
});

test("the worker of an earlier agent is started again as it was", async () => {
  await start();
  const info = await spawn();
  hive.supervisor.close();
  const next = hive.again();
  await next.adopt();
  process.kill(info.pid, "SIGKILL");
  await expect.poll(() => next.list(), inTime).toMatchObject([{ slots: 2, restarts: 1, state: "ready" }]);
});

test("[WORK-4] draining: what runs ends, nothing new comes, then it is gone", async () => {
  await start();
  const info = await spawn();
  const call = { id: newId(), generation: generationOf({ prompt: "Count", max_tokens: 300 }) };
  const stream = hive.supervisor.generate(info.worker_id, call, never);
  await stream.next();
  const drained = hive.supervisor.drain(info.worker_id);
  expect(hive.supervisor.get(info.worker_id)?.state).toBe("draining");
  expect(hive.supervisor.ready("bee-tiny")).toEqual([]);
  expect((await collect(stream)).finish_reason).toBe("length");
  await drained;
  expect(await isGone(info.pid)).toBe(true);
  expect(list()).toEqual([]);
});

test("[WORK-4] draining has an end: what does not end by then fails", async () => {
  await start();
  const info = await spawn();
  const call = { id: newId(), generation: generationOf({ prompt: "Count", max_tokens: 30_000 }) };
  const stream = hive.supervisor.generate(info.worker_id, call, never);
  await stream.next();
  const failed = failureOf(collect(stream));
  await hive.supervisor.stop(info.pid, { drain_ms: 50 });
  expect(await failed).toMatchObject({ code: "worker_died" });
});

test("drained but kept: it is there and takes nothing", async () => {
  await start();
  const info = await spawn();
  expect((await hive.supervisor.drain(info.worker_id, { keep: true })).state).toBe("draining");
  expect(await isGone(info.pid)).toBe(false);
  expect(hive.supervisor.ready("bee-tiny")).toEqual([]);
});

test(
  "[WORK-1] fifty workers spawned and stopped at once: no port twice, and nothing is left",
  { timeout: 240_000 },
  async () => {
    await start();
    const pids: number[] = [];
    const one = async (n: number) => {
      const info = await spawn();
      pids.push(info.pid);
      const port = info.port;
      // Some are stopped while others still start.
      if (n % 2 === 0) await hive.supervisor.stop(info.pid);
      return { port, stopped: n % 2 === 0 };
    };
    const all = await Promise.all(Array.from({ length: 50 }, async (_, n) => one(n)));
    const kept = all.filter(({ stopped }) => !stopped).map(({ port }) => port);
    expect(new Set(kept).size).toBe(25);
    expect(new Set(list().map(({ port }) => port))).toEqual(new Set(kept));
    await Promise.all(list().map(async ({ pid }) => hive.supervisor.stop(pid)));
    expect(new Set(pids).size).toBe(50);
    for (const pid of pids) expect(await isGone(pid)).toBe(true);
    expect(list()).toEqual([]);
    const left = await readdir(path.join(hive.home, "workers"));
    expect(left.filter((name) => name.endsWith(".json"))).toEqual([]);
  },
);

/** Not one of those that workers are given: another hive on this machine may take these at any time. */
async function portOfNobody(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

test("a port that is wished for is tried first, and is no more certain than any other", async () => {
  await start();
  const ports = new WorkerPorts();
  const wished = await portOfNobody();
  expect(await ports.reserve(new Set(), wished)).toBe(wished);
  expect(await ports.reserve(new Set(), wished)).not.toBe(wished);
  ports.release(wished);
  expect(await ports.reserve(new Set(), wished)).toBe(wished);
});
