import { copyFile, link, readdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { removeModel } from "./remove.ts";
import { beeTiny, beeTinyFile, padded, Stand } from "./testing/stand.ts";

let stand: Stand;
beforeEach(async () => {
  stand = await Stand.open();
});
afterEach(async () => stand.close());
const remove = async (id: string) => removeModel(stand.models.catalogue, id);

test("a model of the hub goes with all its names, and the bytes it frees are told", async () => {
  const bytes = padded(1_000);
  stand.hub.addRepo("org/bee", { "bee.Q8_0.gguf": bytes }, { revision: "v1" });
  stand.hub.addRepo("org/bee", { "bee.Q8_0.gguf": bytes, "other.txt": Buffer.from("x") });
  await stand.provide({ model: "org/bee", revision: "v1" });
  await stand.provide({ model: "org/bee", revision: "main" });
  expect(await remove("org/bee")).toBe(bytes.length);
  expect(await stand.files()).toEqual([]);
  expect(await readdir(path.join(stand.home, "hub"))).toEqual([]);
  await expect(remove("org/bee")).rejects.toMatchObject({ code: "model_not_found" });
});

test("of two quantisations only the named one goes", async () => {
  const [q8, q4] = [padded(10), padded(20)];
  stand.hub.addRepo("org/bee", { "bee.Q8_0.gguf": q8, "bee.Q4_0.gguf": q4 });
  await stand.provide("org/bee:Q8_0");
  await stand.provide("org/bee:Q4_0");
  expect(await remove("org/bee:Q8_0")).toBe(q8.length);
  expect((await stand.models.catalogue.list()).map(({ id }) => id)).toEqual(["org/bee:Q4_0"]);
  expect((await stand.models.catalogue.resolve("org/bee")).size_bytes).toBe(q4.length);
});

test("what a download left goes too", async () => {
  stand.hub.addRepo("org/bee", { "bee.Q8_0.gguf": padded(3_000_000) });
  await stand.provideUntil(1_000_000, "org/bee");
  expect(await remove("org/bee:Q8_0")).toBeGreaterThan(0);
  expect(await stand.files()).toEqual([]);
  expect(await stand.models.catalogue.list()).toEqual([]);
});

test("a file that another program has too frees nothing, and stays there", async () => {
  const mine = path.join(stand.home, "models", "mine.gguf");
  const theirs = path.join(stand.home, "theirs.gguf");
  await copyFile(beeTinyFile, theirs);
  await link(theirs, mine);
  expect(await remove("mine")).toBe(0);
  expect((await readFile(theirs)).equals(beeTiny)).toBe(true);
  await expect(stat(mine)).rejects.toThrow("ENOENT");
});

test("models of other programs are refused [MODEL-8]", async () => {
  const dir = path.join(stand.home, "llama");
  const other = await Stand.open({ roots: [{ kind: "folder", dir, owner: "llama.cpp" }] });
  await stand.close();
  stand = other;
  const { mkdir } = await import("node:fs/promises");
  await mkdir(dir, { recursive: true });
  await copyFile(beeTinyFile, path.join(dir, "bee.gguf"));
  await expect(remove("bee")).rejects.toThrow("belongs to llama.cpp");
  expect(await readdir(dir)).toEqual(["bee.gguf"]);
});

test("nothing else in a folder goes with a model", async () => {
  const dir = path.join(stand.home, "models");
  await copyFile(beeTinyFile, path.join(dir, "bee.gguf"));
  await writeFile(path.join(dir, "notes.txt"), "mine");
  expect(await remove("bee")).toBe(beeTiny.length);
  expect(await readdir(dir)).toEqual(["notes.txt"]);
});
