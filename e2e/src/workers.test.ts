import { afterAll, beforeAll, expect, test } from "vitest";
import { House } from "./house.ts";
import { endless } from "./prompts.ts";
import { isAlive } from "./process.ts";

/** Workers by hand, and machines that look at themselves; by the keeper against a real queen and a real hive. */

let house: House;
beforeAll(async () => {
  house = await House.open();
  await house.startHive("den");
});
afterAll(() => house.close());

const workers = async () => (await house.client().run("active_worker_list", {})).workers;

async function spawned(): Promise<{ worker_id: string; pid: number }> {
  const { out } = await house.typed("workers", "spawn", "bee-tiny", "--hive", "den", "--slots", "1", "--json");
  return JSON.parse(out) as { worker_id: string; pid: number };
}

test("spawn, list, get, ps, stop: by name and by pid", async () => {
  const [one, two] = [await spawned(), await spawned()];
  const list = await house.typed("workers", "list");
  expect(list.out).toMatch(new RegExp(`${one.worker_id} +den +bee-tiny +cpu +ready +0 of 1 busy`));
  const get = await house.typed("workers", "get", one.worker_id);
  expect(get.out).toMatch(/since +\d/);
  const ps = await house.typed("workers", "ps", "den");
  expect(ps.out).toMatch(new RegExp(`^${two.pid} +${two.worker_id} +bee-tiny`, "m"));
  // The name alone tells which hive is meant.
  expect(await house.typed("workers", "stop", one.worker_id)).toMatchObject({ code: 0 });
  expect(await house.typed("workers", "stop", String(two.pid), "--hive", "den")).toMatchObject({ code: 0 });
  expect([one.pid, two.pid].filter(isAlive)).toEqual([]);
  expect(await house.typed("workers", "stop", one.worker_id)).toMatchObject({ code: 3 });
});

test("retire: what runs finishes, nothing new comes, then it is stopped; a restarted queen remembers", async () => {
  const client = house.client();
  const { worker_id, pid } = await spawned();
  const job = await client.start("infer", { ...endless, hive_id: "den", worker_id });
  for await (const { event } of job.events()) if (event.type === "token") break;
  const { out, code } = await house.typed("workers", "retire", worker_id);
  expect({ out, code }).toEqual({
    out: `${worker_id} gets nothing new. It finishes 1 running and is stopped by den then.\n`,
    code: 0,
  });
  const draining = (await workers()).find((worker) => worker.worker_id === worker_id);
  // A quick engine may have finished by now.
  if (draining !== undefined) expect(draining).toMatchObject({ state: "draining", retired: "stop" });
  const { text } = await job.result();
  expect(text.length).toBeGreaterThan(500);
  while (isAlive(pid)) await new Promise((resolve) => setImmediate(resolve));
  await expect(client.run("infer", { ...endless, worker_id })).rejects.toMatchObject({ code: "worker_not_found" });
});

test("retire --keep: it stays, and is given nothing; speed and age are shown", async () => {
  const client = house.client();
  await client.run("infer", { model: "bee-tiny", prompt: "Hello!", max_tokens: 20, temperature: 0 });
  const before = (await workers()).find(({ state }) => state === "ready");
  expect(before).toMatchObject({ tokens_per_s: expect.any(Number) as number, since: expect.any(Number) as number });
  const worker_id = before?.worker_id ?? "";
  await house.typed("workers", "retire", worker_id, "--keep");
  const elsewhere = await client.run("infer", { model: "bee-tiny", prompt: "Hello!", max_tokens: 4 });
  expect(elsewhere.worker_id).not.toBe(worker_id);
  await house.killQueen();
  await house.startQueen();
  // The hive comes back by itself.
  for (let back = false; !back;) back = (await client.run("hive_get", { hive_id: "den" })).hive.connected;
  expect((await client.run("active_worker_get", { worker_id })).worker).toMatchObject({ retired: "keep" });
  const again = await client.run("infer", { model: "bee-tiny", prompt: "Hello!", max_tokens: 4 });
  expect(again.worker_id).not.toBe(worker_id);
});

test("check and refresh: the queen and a hive look at themselves", async () => {
  const queen = await house.typed("check");
  expect(queen).toMatchObject({ code: 0, out: expect.stringMatching(/✓ storage +the registry writes/) as string });
  const hive = await house.typed("hives", "check", "den", "--json");
  const { checks } = JSON.parse(hive.out) as { checks: { name: string; ok: boolean; detail: string }[] };
  expect(checks.map(({ name }) => name)).toEqual(["storage", "disk", "devices", "engine", "models", "clock", "queen"]);
  expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  const refresh = await house.typed("hives", "refresh", "den");
  expect(refresh).toMatchObject({ code: 0, out: expect.stringMatching(/^cpu /m) as string });
});

test("what a hive could install and has installed", async () => {
  const catalog = await house.typed("workers", "catalog", "den");
  expect(catalog).toMatchObject({ code: 0, out: expect.stringMatching(/cpu-llm-worker +\S+.*installed/) as string });
  const installed = await house.typed("workers", "installed", "den");
  expect(installed.out).toMatch(/cpu-llm-worker/);
  const remove = await house.typed("workers", "uninstall", "cpu-llm-worker", "--hive", "den");
  expect(remove.code).not.toBe(0);
  const install = await house.typed("workers", "install", "metal-llm-worker", "--hive", "den");
  expect(install).toMatchObject({ code: 2, err: expect.stringContaining("unsupported") as string });
  const build = await house.typed("workers", "build", "cpu-llm-worker", "--hive", "den");
  expect(build).toMatchObject({ code: 2, err: expect.stringContaining("worker_download") as string });
});

test("a hive that went away: its workers are unreachable, its lists marked stale, and nothing of it can be looked at", async () => {
  await house.hive("den").kill("SIGKILL");
  for (let gone = false; !gone;) gone = !(await house.client().run("hive_get", { hive_id: "den" })).hive.connected;
  expect((await workers()).every(({ state }) => state === "unreachable")).toBe(true);
  const get = await house.typed("hives", "get", "den");
  expect(get.out).toContain("what it said last");
  expect(await house.typed("hives", "refresh", "den")).toMatchObject({ code: 5 });
  expect(await house.typed("check")).toMatchObject({
    code: 5,
    out: expect.stringMatching(/✗ hives .*away: den/) as string,
  });
});
