import { limits } from "@rbee/contracts";
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { confined } from "../worker/confine.ts";
import { WorkerRecords } from "./records.ts";
import { RunningWorker } from "./running.ts";
import {
  collect,
  counting,
  failureOf,
  generationOf,
  isGone,
  never,
  newId,
  rawWorker,
  testHive,
  type TestHive,
} from "./testing.ts";

/** Starting, sharing, watching and stopping processes, whatever engine runs in them. */

let hive: TestHive;
beforeEach(async () => {
  hive = await testHive({ kinds: counting });
});
afterEach(async () => hive.end());

const spawn = async (slots = 1) => hive.supervisor.spawn({ model: "bee-tiny", slots }, { signal: never });
const inTime = { timeout: 20_000 };
const endless = { prompt: "Count", max_tokens: 30_000 };

test("[WORK-5] a worker has no secrets in sight: not in its arguments, its environment, or files others can read", async () => {
  process.env["RBEE_TEST_SECRET"] = "do not pass on";
  const { pid, worker_id } = await spawn();
  delete process.env["RBEE_TEST_SECRET"];
  const { token } = await rawWorker(hive.home, worker_id);
  const file = await stat(path.join(hive.home, "workers", `${worker_id}.json`));
  expect(file.mode & 0o077).toBe(0);
  if (process.platform !== "linux") return;
  const seen = (await readFile(`/proc/${pid}/environ`, "utf8")) + (await readFile(`/proc/${pid}/cmdline`, "utf8"));
  expect(seen).not.toContain(token);
  expect(seen).not.toContain("RBEE");
});

test("[WORK-1] spawns at the same moment are as many workers, and never share a port", async () => {
  const spawned = await Promise.all([spawn(1), spawn(1), spawn(2)]);
  expect(new Set(spawned.map(({ port }) => port)).size).toBe(3);
  expect(hive.supervisor.list()).toHaveLength(3);
});

test("a job that is run again gets the worker it started", async () => {
  const request = { model: "bee-tiny", slots: 1, origin: "job_spawn" };
  const first = await hive.supervisor.spawn(request, { signal: never });
  expect((await hive.supervisor.spawn(request, { signal: never })).pid).toBe(first.pid);
});

test("a port that somebody else holds is passed over", async () => {
  const first = await spawn();
  await hive.supervisor.stop(first.pid);
  const squatter = createServer();
  await new Promise<void>((resolve) => {
    // Held is held, by whomever.
    squatter.once("error", () => resolve());
    squatter.listen(first.port, "127.0.0.1", resolve);
  });
  const second = await spawn();
  expect(second.port).not.toBe(first.port);
  await new Promise((resolve) => squatter.close(resolve));
});

test("load on demand: joiners wait for one start, later ones find it ready", async () => {
  const joined = await Promise.all([1, 2, 3].map(async () => hive.supervisor.ensure("bee-tiny", { signal: never })));
  expect(new Set(joined.map(({ pid }) => pid)).size).toBe(1);
  const [first] = joined;
  expect((await hive.supervisor.ensure("bee-tiny:f16", { signal: never })).pid).toBe(first?.pid);
});

test("a start that nobody waits for any more is given up; one that somebody waits for goes on", async () => {
  const [leaver, stayer] = [new AbortController(), new AbortController()];
  const left = failureOf(hive.supervisor.ensure("bee-tiny", { signal: leaver.signal }));
  const stayed = hive.supervisor.ensure("bee-tiny", { signal: stayer.signal });
  await expect.poll(() => hive.supervisor.list().length, inTime).toBe(1);
  leaver.abort(new Error("changed my mind"));
  expect((await left).message).toBe("changed my mind");
  const { pid } = await stayed;
  await hive.supervisor.stop(pid);
  const alone = failureOf(hive.supervisor.ensure("bee-tiny", { signal: stayer.signal }));
  await expect.poll(() => hive.supervisor.list().length, inTime).toBe(1);
  const [starting] = hive.supervisor.list();
  stayer.abort(new Error("me too"));
  expect((await alone).message).toBe("me too");
  await expect.poll(() => hive.supervisor.list(), inTime).toEqual([]);
  expect(await isGone(starting?.pid ?? 0)).toBe(true);
});

test("a worker that is stopped fails what it was doing", async () => {
  const { pid, worker_id } = await spawn();
  const stream = hive.supervisor.generate(worker_id, { id: newId(), generation: generationOf(endless) }, never);
  await stream.next();
  const failed = failureOf(collect(stream));
  await hive.supervisor.stop(pid);
  expect(await failed).toMatchObject({
    code: "worker_died",
    message: expect.stringContaining("was stopped") as string,
  });
});

test("[WORK-2] records of workers that are gone, or that are not ours, are dropped and nobody is hurt", async () => {
  const info = await spawn();
  const file = path.join(hive.home, "workers", `${info.worker_id}.json`);
  const record = await readFile(file, "utf8");
  await hive.supervisor.stop(info.pid);
  // The pid of this very test: a recycled pid must not be taken for the worker's.
  await writeFile(file, record.replace(`"pid":${info.pid}`, `"pid":${process.pid}`));
  await writeFile(path.join(hive.home, "workers", "worker-broken.json"), "{");
  const next = hive.again();
  await next.adopt();
  expect(next.list()).toEqual([]);
  expect((await readdir(path.join(hive.home, "workers"))).filter((name) => name.endsWith(".json"))).toEqual([]);
});

test("what does not fit into memory is refused with the numbers", async () => {
  const small = await testHive({
    kinds: counting,
    devices: async () => [
      { id: "cpu", kind: "cpu", name: "small", memory_total_bytes: 2_000_000, memory_free_bytes: 1_000_000 },
    ],
  });
  const failed = await failureOf(small.supervisor.spawn({ model: "bee-tiny" }, { signal: never }));
  expect(failed).toMatchObject({ code: "insufficient_memory" });
  expect(failed.message).toMatch(/needs about 0\.\d+ GiB; cpu has 0\.00 GiB of 0\.00 GiB free/);
  await small.end();
});

test("what cannot be had is refused: device, context, model", async () => {
  const failed = async (request: { model?: string; device?: string; context?: number }) =>
    (await failureOf(hive.supervisor.spawn({ model: "bee-tiny", ...request }, { signal: never }))).code;
  expect(await failed({ device: "cuda:63" })).toBe("no_such_device");
  expect(await failed({ context: 1_000_000 })).toBe("invalid_input");
  expect(await failed({ model: "nothing" })).toBe("model_not_found");
});

test("a generation that nobody reads is stopped and forgotten", async () => {
  const lonely = await testHive({ orphanMs: 300, kinds: counting });
  const info = await lonely.supervisor.spawn({ model: "bee-tiny", slots: 1 }, { signal: never });
  const raw = await rawWorker(lonely.home, info.worker_id);
  const id = newId();
  const stream = lonely.supervisor.generate(info.worker_id, { id, generation: generationOf(endless) }, never);
  await stream.next();
  await stream.return(undefined as never);
  await expect.poll(async () => (await raw.health()).slots_busy, inTime).toBe(0);
  expect(await raw.knows(id)).toBe(false);
  await lonely.end();
});

test("a worker whose agent died does not stay for ever", async () => {
  const testing = JSON.stringify(new URL("testing.ts", import.meta.url).href);
  const agent = `
    const { testHive, never, counting } = await import(${testing});
    const hive = await testHive({ orphanMs: 5_000, kinds: counting });
    const { pid } = await hive.supervisor.spawn({ model: "bee-tiny", slots: 1 }, { signal: never });
    process.stdout.write(JSON.stringify({ pid, home: hive.home }), () => process.kill(process.pid, "SIGKILL"));`;
  const died = promisify(execFile)(process.execPath, ["--input-type=module", "--eval", agent]);
  const { stdout } = (await died.catch((error: unknown) => error)) as { stdout: string };
  const { pid, home } = JSON.parse(stdout) as { pid: number; home: string };
  expect(pid).toBeGreaterThan(0);
  expect(await isGone(pid)).toBe(false);
  await expect.poll(async () => isGone(pid), inTime).toBe(true);
  await rm(home, { recursive: true, force: true });
});

test("a copy of a model under another name is another model", async () => {
  await hive.addModel("copy");
  const info = await hive.supervisor.ensure("copy", { signal: never });
  expect(info.model).toBe("copy");
  expect(hive.supervisor.ready("bee-tiny")).toEqual([]);
});

test.runIf(confined("x", []).program !== "x")(
  "[WORK-5] a worker can gain no rights, leaves no core, writes nowhere, and is on loopback",
  async () => {
    const real = await testHive();
    const { pid, port } = await real.supervisor.spawn({ model: "bee-tiny", slots: 1 }, { signal: never });
    expect(await readFile(`/proc/${pid}/status`, "utf8")).toMatch(/^NoNewPrivs:\s+1$/m);
    expect(await readFile(`/proc/${pid}/limits`, "utf8")).toMatch(/^Max core file size\s+0 /m);
    expect(await readFile(`/proc/${pid}/cmdline`, "utf8")).toContain("--permission\0");
    const hex = port.toString(16).toUpperCase();
    const sockets =
      (await readFile("/proc/net/tcp", "utf8")) + (await readFile("/proc/net/tcp6", "utf8").catch(() => ""));
    const listening = sockets.split("\n").filter((line) => line.includes(`:${hex} `) && / 0A /.test(line));
    expect(listening).toHaveLength(1);
    expect(listening[0]).toContain(`0100007F:${hex}`);
    await real.end();
  },
);

test("[WORK-2] a process that took over a pid is not signalled", async () => {
  const info = await spawn();
  const records = new WorkerRecords(hive.home);
  const record = {
    info: { ...info, pid: process.pid },
    request: { model: "bee-tiny" },
    token: "",
    started: "another time",
  };
  // It would end this very test.
  await new RunningWorker(record, { records, adopted: true }).signal("SIGKILL");
  expect(process.pid).toBeGreaterThan(0);
});

test("what cannot be written down does not run on, and what cannot be changed there is said", async () => {
  const worker = await spawn();
  const block = async (port: number) =>
    mkdir(path.join(hive.home, "workers", `worker-den-${port}.json.new`), { recursive: true });
  await block(worker.port);
  await expect(hive.supervisor.keeping.wanted(worker.worker_id, { pin: true })).rejects.toThrow(/EISDIR/);
  expect(hive.supervisor.get(worker.worker_id)?.held).toBe("pinned");
  await hive.supervisor.stop(worker.pid);
  for (let port = limits.worker_port_min; port <= limits.worker_port_max; port += 1) await block(port);
  await expect(spawn()).rejects.toThrow(/EISDIR/);
  await expect.poll(processesOf, inTime).toEqual([]);
});

/** Pids of those that keep their code in this hive's home. */
async function processesOf(): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const environments = await Promise.all(
    pids.map(async (pid) => readFile(`/proc/${pid}/environ`, "utf8").catch(() => "")),
  );
  return pids.filter((_, at) => environments[at]?.includes(hive.home) === true);
}
