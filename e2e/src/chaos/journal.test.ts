import { execFileSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { Watched } from "./watched.ts";
import { until, World } from "./world.ts";

/** A lease takes its half minute, and five hives start at once. */
const TEST_MS = 240_000;
const STALLED_WITHIN_MS = 30_000;

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(async () => expect(await world.close()).toEqual([]));

/** A small disk of its own for what a hive keeps. */
class Disk {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
    mkdirSync(path);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=16m", "tmpfs", path]);
    onTestFinished(() => void execFileSync("umount", ["--lazy", path]));
  }

  fill(): void {
    const file = openSync(join(this.path, "filler"), "w");
    const block = Buffer.alloc(4_096);
    try {
      for (;;) writeSync(file, block);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    } finally {
      closeSync(file);
    }
  }

  empty(): void {
    rmSync(join(this.path, "filler"));
  }

  /** Whoever opens a file from now on cannot write; what is open stays as it is, a worker's log for one. */
  freeze(): void {
    execFileSync("mount", ["--bind", this.path, this.path]);
    execFileSync("mount", ["-o", "remount,bind,ro", this.path]);
  }

  thaw(): void {
    execFileSync("umount", [this.path]);
  }
}

function canMount(): boolean {
  const probe = mkdtempSync(join(tmpdir(), "rbee-chaos-mount-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "tmpfs", probe], { stdio: "ignore" });
    execFileSync("umount", [probe], { stdio: "ignore" });
    return true;
  } catch {
    console.warn("skipped: a disk that fills up, or turns read-only, takes a mount, which takes root");
    return false;
  } finally {
    rmSync(probe, { recursive: true });
  }
}
const mounts = canMount();

const complains = async (hive: string, of: string) =>
  until(
    () => world.house.hive(hive).stderr.includes(of),
    (said) => said,
    STALLED_WITHIN_MS,
  );

test.skipIf(!mounts)("a full disk stops the stream, and nothing of it is lost", async () => {
  const disk = new Disk(join(world.house.home, "full"));
  await world.startHive("full");
  const job = await Watched.start(world, { tokens: 500, every: 20, hive: "full" });
  await job.more(10);
  disk.fill();
  expect(await complains("full", "the journal could not be written")).toBe(true);
  // What comes now cannot be journaled either: it waits, and is done when there is room.
  const next = await Watched.start(world, { tokens: 20, every: 5, hive: "full" });
  expect(await complains("full", "an operation could not be journaled")).toBe(true);
  disk.empty();
  expect(await job.judged()).toEqual([]);
  expect(await next.judged()).toEqual([]);
  expect(await job.view()).toMatchObject({ state: "succeeded", dispatches: 1 });
  expect(await next.view()).toMatchObject({ state: "succeeded" });
  await world.house.hive("full").kill("SIGTERM");
});

test.skipIf(!mounts)("an agent does not start on a disk that is read-only, says why, and loses nothing", async () => {
  const disk = new Disk(join(world.house.home, "frozen"));
  await world.startHive("frozen");
  const job = await Watched.start(world, { tokens: 500, every: 20, hive: "frozen" });
  await job.more(10);
  await world.house.hive("frozen").kill("SIGKILL");
  disk.freeze();
  await expect(world.startHive("frozen")).rejects.toThrow(/journal.*cannot be opened.*writable/s);
  disk.thaw();
  await world.startHive("frozen");
  expect(await job.judged()).toEqual([]);
  await world.house.hive("frozen").kill("SIGTERM");
});

/** Overwrites a part of a file. */
function damage(file: string, from: number, bytes: number): void {
  const fd = openSync(file, "r+");
  writeSync(fd, Buffer.alloc(bytes, 0x5a), 0, bytes, from);
  closeSync(fd);
}

test.concurrent.each([
  ["its header", (file: string) => damage(file, 0, 64)],
  ["its first table", (file: string) => (damage(file, 100, 3_000), rmSync(`${file}-wal`))],
  ["its log", (file: string) => damage(`${file}-wal`, 32, statSync(`${file}-wal`).size - 32)],
  ["the newest part of its log", (file: string) => damage(`${file}-wal`, statSync(`${file}-wal`).size - 9_000, 9_000)],
  ["all of it", (file: string) => (damage(file, 0, statSync(file).size), rmSync(`${file}-wal`))],
])(
  "a journal with %s damaged costs its jobs at most, which are told; the hive goes on",
  { timeout: TEST_MS },
  async (what, harm) => {
    const name = `hurt-${what.replaceAll(/\W+/g, "-")}`;
    await world.startHive(name);
    const job = await Watched.start(world, { tokens: 500, every: 20, hive: name });
    await job.more(50);
    await world.house.hive(name).kill("SIGKILL");
    harm(join(world.house.home, name, "journal.db"));
    await world.startHive(name);
    expect(await job.judged(["path_dead"])).toEqual([]);
    const next = await Watched.start(world, { tokens: 20, every: 5, hive: name });
    expect(await next.judged()).toEqual([]);
    expect(await next.view()).toMatchObject({ state: "succeeded" });
    await world.house.hive(name).kill("SIGTERM");
  },
);

test("a damaged credential is refused with the way out, and nothing else is touched", async () => {
  await world.startHive("keyless");
  await world.house.hive("keyless").kill("SIGKILL");
  const folder = join(world.house.home, "keyless");
  damage(join(folder, "credential.json"), 0, 32);
  const before = readFileSync(join(folder, "credential.json"));
  await expect(world.startHive("keyless")).rejects.toThrow(/remove it and join again/);
  expect(readFileSync(join(folder, "credential.json"))).toEqual(before);
  expect(existsSync(join(folder, "journal.db"))).toBe(true);
});
