import { copyFile, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { beeTiny, beeTinyFile } from "../testing/stand.ts";
import { importFile } from "./plain.ts";

const enough = async (): Promise<void> => undefined;

test("a file on another disk is copied, whole or not at all", async ({ skip }) => {
  const shm = await mkdtemp("/dev/shm/rbee-").catch(() => undefined);
  if (shm === undefined) return skip("there is no second disk to write to");
  const home = await mkdtemp(path.join(os.tmpdir(), "rbee-import-"));
  try {
    const file = path.join(shm, "bee.gguf");
    await copyFile(beeTinyFile, file);
    const target = path.join(home, "models", "bee.gguf");
    const full = async () => {
      throw new Error("no room");
    };
    const { signal } = new AbortController();
    if ((await stat(home)).dev !== (await stat(shm)).dev) {
      await expect(importFile(file, target, { room: full, signal })).rejects.toThrow("no room");
      await expect(importFile(file, target, { room: enough, signal: AbortSignal.abort() })).rejects.toThrow("abort");
      await expect(stat(target)).rejects.toThrow("ENOENT");
    }
    await importFile(file, target, { room: enough, signal });
    expect((await readFile(target)).equals(beeTiny)).toBe(true);
  } finally {
    await rm(shm, { recursive: true });
    await rm(home, { recursive: true });
  }
});
