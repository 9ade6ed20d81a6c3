import { execFileSync, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sha256 } from "../testing/hub.ts";
import { padded, Stand } from "../testing/stand.ts";

let disk: string;
beforeEach(async () => {
  disk = await mkdtemp(path.join(os.tmpdir(), "rbee-disk-"));
});
afterEach(async () => rm(disk, { recursive: true, force: true }));

function mounted(size: string): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", disk], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const whole = (hub_dir: string): Promise<Stand> => Stand.open({ hub_dir });

test("a disk that is really full: said so, nothing corrupt, and once there is room it goes on", async ({ skip }) => {
  if (!mounted("8m")) skip("this user may mount no file system");
  try {
    const stand = await whole(path.join(disk, "hub"));
    const bytes = padded(3_000_000);
    stand.hub.addRepo("org/bee", { "bee.Q8_0.gguf": bytes });
    // Somebody else fills the disk while it is fetched: the look beforehand did not see it.
    const fill = async () => {
      await stand.partIsThere();
      await writeFile(path.join(disk, "ballast"), Buffer.alloc(8 << 20)).catch(() => undefined);
    };
    let filled: Promise<void> | undefined;
    stand.hub.onPiece = async (sent) => {
      if (sent > 2_000_000) await (filled ??= fill());
    };
    await expect(stand.provide("org/bee")).rejects.toMatchObject({ code: "disk_full" });
    const [partial] = await stand.models.catalogue.list();
    expect(partial).toMatchObject({ status: "partial" });
    expect(partial?.percent).toBeGreaterThan(0);
    stand.hub.onPiece = undefined;
    // Now it is seen beforehand, with the numbers.
    await expect(stand.provide("org/bee")).rejects.toThrow(/MiB are still to come, and .* has room for/);
    await rm(path.join(disk, "ballast"));
    const before = stand.hub.sent;
    const { path: file } = await stand.provide("org/bee");
    expect(sha256(await readFile(file))).toBe(sha256(bytes));
    expect(stand.hub.sent - before).toBeLessThan(bytes.length);
    await stand.close();
  } finally {
    execFileSync("umount", [disk]);
  }
});

test("a file that may not grow: the same", async ({ skip }) => {
  if (process.platform !== "linux") skip("limits of a process are set with prlimit");
  const stand = await whole(path.join(disk, "hub"));
  const bytes = padded(3_000_000);
  stand.hub.addRepo("org/bee", { "bee.Q8_0.gguf": bytes });
  const program = fileURLToPath(new URL("../testing/download-process.ts", import.meta.url));
  const run = async (limit: number) => {
    const args = [
      `--fsize=${limit}`,
      process.execPath,
      "--disable-warning=ExperimentalWarning",
      program,
      disk,
      stand.hub.url,
      "org/bee",
    ];
    return JSON.parse(await text(spawn("prlimit", args, { stdio: ["ignore", "pipe", "inherit"] }).stdout)) as Record<
      string,
      unknown
    >;
  };
  await mkdir(path.join(disk, "hub"), { recursive: true });
  expect(await run(2_500_000)).toMatchObject({ error: "disk_full" });
  const before = stand.hub.sent;
  expect(await run(100_000_000)).toMatchObject({ sha256: sha256(bytes) });
  expect(stand.hub.sent - before).toBeLessThan(bytes.length);
  await stand.close();
});
