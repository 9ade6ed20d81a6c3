import type { HandlerEvent, WorkerType } from "@rbee/contracts";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { collect, failureOf, generationOf, never, newId, testHive, type TestHive } from "../workers/testing.ts";
import { engineVersion, installedPackage, packageFor } from "./packages.ts";
import { Registry } from "./registry.ts";
import { startRegistry, type TestRegistry } from "./testing-registry.ts";

const CPU: WorkerType = "cpu-llm-worker";
const name = packageFor("cpu") ?? "";
const version = engineVersion();

let hive: TestHive;
let registry: TestRegistry;
afterEach(async () => {
  await hive.end();
  await registry.close();
});

async function run<R>(steps: AsyncGenerator<HandlerEvent, R, void>) {
  const events: HandlerEvent[] = [];
  for (;;) {
    const next = await steps.next();
    if (next.done === true) return { events, result: next.value };
    events.push(next.value);
  }
}
const start = async (folder: string) => {
  registry = await startRegistry({ name, version, folder });
  hive = await testHive({}, { bundled: false, registry: new Registry(registry.url) });
};
const install = async (signal = never) => run(hive.engines.download(CPU, signal));
const left = async () => (await readdir(path.join(hive.home, "binaries"))).filter((entry) => entry.startsWith(".new-"));

test("[WORK-7] the real engine package: installed in the home, loaded from there by a worker, kept while it is used", async () => {
  await start(installedPackage(name)?.folder ?? "");
  const before = await failureOf(hive.supervisor.spawn({ model: "bee-tiny" }, { signal: never }));
  expect(before.code).toBe("unsupported");
  const { events, result } = await install();
  expect(result).toMatchObject({ worker_type: CPU, version, bundled: false });
  const bytes = events.flatMap((event) => (event.type === "progress" ? [event] : []));
  expect(bytes.at(-1)).toEqual({ type: "progress", done: registry.size, total: registry.size, unit: "bytes" });

  const info = await hive.supervisor.spawn({ model: "bee-tiny", slots: 1 }, { signal: never });
  const call = { id: newId(), generation: generationOf({ prompt: "What do bees eat?" }) };
  const answer = await collect(hive.supervisor.generate(info.worker_id, call, never));
  expect(answer.text).toBe("Bees eat nectar and pollen from flowers. In the winter they eat honey.");
  if (process.platform === "linux") {
    const mapped = (await readFile(`/proc/${info.pid}/maps`, "utf8"))
      .split("\n")
      .filter((line) => line.includes("llama"));
    expect(mapped.length).toBeGreaterThan(0);
    for (const line of mapped) expect(line).toContain(hive.home);
  }

  expect(await hive.engines.get(CPU)).toMatchObject({ in_use_by: [info.worker_id], size_bytes: result.size_bytes });
  expect(await failureOf(hive.engines.remove(CPU))).toMatchObject({ code: "engine_in_use" });
  await hive.supervisor.stop(info.pid);
  expect(await hive.engines.remove(CPU)).toBe(`${CPU}@${version}`);
  expect(await failureOf(hive.engines.get(CPU))).toMatchObject({ code: "engine_not_found" });
});

describe("downloading", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "rbee-package-"));
    await mkdir(path.join(folder, "dist"));
    await writeFile(path.join(folder, "dist", "index.js"), "export {};\n");
    await writeFile(path.join(folder, "large.bin"), randomBytes(3_000_000));
    await start(folder);
  });
  afterEach(async () => rm(folder, { recursive: true, force: true }));

  test("the second time it is there already, and nothing is asked for", async () => {
    const first = await install();
    const again = await install();
    expect(again.result).toEqual(first.result);
    expect(again.events).toMatchObject([{ type: "narration", human: `${CPU} ${version} is already installed` }]);
    expect(registry.ranges).toHaveLength(1);
  });

  test("a download that breaks goes on where it broke", async () => {
    const cut = Math.floor(registry.size / 3);
    registry.faults.push({ kind: "cut", after: cut });
    await install();
    const [first, second] = registry.ranges;
    const from = Number(/^bytes=(\d+)-$/.exec(second ?? "")?.[1]);
    expect(first).toBeUndefined();
    expect(from).toBeGreaterThan(0);
    expect(from).toBeLessThanOrEqual(cut);
  });

  test("so does one that was cancelled, and a registry that cannot resume starts over", async () => {
    const cut = Math.floor(registry.size / 3);
    const cancel = new AbortController();
    const steps = hive.engines.download(CPU, cancel.signal);
    registry.faults.push({ kind: "cut", after: cut }, { kind: "no_range" });
    for (let begun = false; !begun;) {
      const next = await steps.next();
      begun = next.done === true || next.value.type === "progress";
    }
    cancel.abort(new Error("not now"));
    expect((await failureOf(run(steps))).message).toBe("not now");
    expect(await left()).toEqual([]);
    expect((await install()).result.worker_type).toBe(CPU);
  });

  test("[WORK-7] what is not what the registry promised is never installed, and the next try begins afresh", async () => {
    registry.faults.push({ kind: "corrupt" });
    const failed = await failureOf(install());
    expect(failed).toMatchObject({ code: "download_failed", message: expect.stringContaining("sha512") as string });
    expect(hive.engines.store.find(CPU)).toBeUndefined();
    expect(await left()).toEqual([]);
    await install();
    expect(registry.ranges).toEqual([undefined, undefined]);
  });

  test("[WORK-7] asked for twice at once it is downloaded once; when the first gives up, the second does it", async () => {
    const [one, two] = await Promise.all([install(), install()]);
    expect(one.result).toEqual(two.result);
    expect(registry.ranges).toHaveLength(1);
    await hive.engines.remove(CPU);
    const cancel = new AbortController();
    const leaver = hive.engines.download(CPU, cancel.signal);
    await leaver.next();
    const stayer = install();
    cancel.abort(new Error("not now"));
    await failureOf(run(leaver));
    expect((await stayer).result.worker_type).toBe(CPU);
  });

  test("links in a package lead nowhere", async () => {
    await symlink("/etc/passwd", path.join(folder, "passwd"));
    await registry.close();
    registry = await startRegistry({ name, version, folder });
    await hive.end();
    hive = await testHive({}, { bundled: false, registry: new Registry(registry.url) });
    const { result } = await install();
    expect((await readdir(result.path)).toSorted()).toEqual(["dist", "large.bin"]);
  });

  test("a registry that is away or does not have it says so", async () => {
    await registry.close();
    expect(await failureOf(install())).toMatchObject({ code: "download_failed" });
    registry = await startRegistry({ name: "@node-llama-cpp/another", version, folder });
    await hive.end();
    hive = await testHive({}, { bundled: false, registry: new Registry(registry.url) });
    const missing = await failureOf(install());
    expect(missing).toMatchObject({ code: "download_failed", message: expect.stringContaining("404") as string });
  });

  test("what this hive could have, and why not", async () => {
    const offers = await hive.engines.offers(never);
    const offer = (type: WorkerType) => offers.find(({ worker_type }) => worker_type === type);
    expect(offer(CPU)).toMatchObject({
      installable: true,
      installed: false,
      method: "download",
      size_bytes: registry.size,
    });
    expect(offer("llama-server")).toMatchObject({ method: "build", installed: false });
    const metal = process.platform === "darwin" ? "cuda-llm-worker" : "metal-llm-worker";
    expect(offer(metal)).toMatchObject({ installable: false, reason: expect.any(String) as string });
    const refused = await failureOf(run(hive.engines.download(metal, never)));
    expect(refused).toMatchObject({ code: "unsupported", message: offer(metal)?.reason });
    expect(await failureOf(run(hive.engines.download("llama-server", never)))).toMatchObject({ code: "unsupported" });
  });
});
