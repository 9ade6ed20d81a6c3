import { limits, ModelInfo, readFileName } from "@rbee/contracts";
import { randomBytes } from "node:crypto";
import { copyFile, link, mkdir, mkdtemp, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ModelCatalogue } from "./catalogue.ts";

const beeTiny = fileURLToPath(new URL("../../../models/bee-tiny/bee-tiny.f16.gguf", import.meta.url));
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), "rbee-models-"));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});
const catalogue = () => new ModelCatalogue({ dirs: [dir] });
const ids = async () => (await catalogue().list()).map(({ id }) => id);
const invalid = expect.objectContaining({ code: "model_invalid" }) as Error;

test.each([
  ["bee-tiny.f16.gguf", "bee-tiny", "f16"],
  ["Qwen2.5-7B-Instruct-Q4_K_M.gguf", "Qwen2.5-7B-Instruct", "Q4_K_M"],
  ["gemma-3-4b-it-UD-IQ2_XXS.gguf", "gemma-3-4b-it", "UD-IQ2_XXS"],
  ["gpt-oss-20b-mxfp4.GGUF", "gpt-oss-20b", "mxfp4"],
  ["plain.gguf", "plain", undefined],
  ["my model (1).gguf", "my-model-1-", undefined],
  ["..%2fevil.gguf", "2fevil", undefined],
])("%s is %s, quantisation %s", (file, base, quant) => {
  expect(readFileName(file)).toMatchObject({ base, quant });
});

test("names of which no id can be made are no models", () => {
  for (const name of ["....gguf", ".gguf", "a.txt", `${"x".repeat(300)}.gguf`])
    expect(readFileName(name)).toBeUndefined();
});

test("a model is listed and described; its quantisation may be named", async () => {
  await mkdir(path.join(dir, "deep", "er"), { recursive: true });
  await copyFile(beeTiny, path.join(dir, "deep", "er", "bee-tiny.f16.gguf"));
  const [info] = await catalogue().list();
  expect(ModelInfo.omit({ loaded: true }).safeParse(info).success).toBe(true);
  expect(info).toMatchObject({ id: "bee-tiny", status: "ready", size_bytes: 2_301_280 });
  const details = { id: "bee-tiny", architecture: "llama", parameters: 1_136_000, context: 2_048, licence: "mit" };
  expect(await catalogue().get("bee-tiny")).toMatchObject({ ...details, quantization: "f16", chat_template: true });
  expect(await catalogue().get("bee-tiny:F16")).toMatchObject(details);
});

test("with several quantisations the preferred one has the plain id", async () => {
  for (const quant of ["Q8_0", "Q4_K_M", "IQ1_S"]) await writeFile(path.join(dir, `some-${quant}.gguf`), "");
  expect(await ids()).toEqual(["some", "some:IQ1_S", "some:Q8_0"]);
  expect(await catalogue().get("some")).toMatchObject({ quantization: "Q4_K_M" });
  expect(await catalogue().get("some:q4_k_m")).toMatchObject({ id: "some" });
});

test("an unknown model is an error that lists the known ones; an id is never a path", async () => {
  await copyFile(beeTiny, path.join(dir, "bee-tiny.gguf"));
  for (const id of ["nothing", "../bee-tiny", "/etc/passwd", `${dir}/bee-tiny.gguf`, "bee-tiny:Q8_0"]) {
    await expect(catalogue().get(id)).rejects.toThrow("this hive has bee-tiny");
    await expect(catalogue().resolve(id)).rejects.toMatchObject({ code: "model_not_found" });
  }
});

test("the list follows the disk", async () => {
  const models = catalogue();
  expect(await models.list()).toEqual([]);
  const file = path.join(dir, "a.gguf");
  await copyFile(beeTiny, file);
  expect(await models.list()).toMatchObject([{ id: "a", status: "ready" }]);
  await writeFile(file, "no longer a model at all, but long enough");
  expect(await models.list()).toMatchObject([{ id: "a", status: "invalid" }]);
  await rm(file);
  expect(await models.list()).toEqual([]);
});

test("links are followed inside the folder, and not out of it", async () => {
  const outside = await mkdtemp(path.join(os.tmpdir(), "rbee-outside-"));
  await copyFile(beeTiny, path.join(outside, "secret.gguf"));
  await copyFile(beeTiny, path.join(dir, "blob"));
  await symlink(path.join(outside, "secret.gguf"), path.join(dir, "leak.gguf"));
  await symlink(outside, path.join(dir, "folder"));
  await symlink(path.join(dir, "nothing"), path.join(dir, "dangling.gguf"));
  await symlink("blob", path.join(dir, "inside.gguf"));
  await link(path.join(dir, "blob"), path.join(dir, "hard.gguf"));
  expect(await ids()).toEqual(["hard", "inside"]);
  await rm(outside, { recursive: true });
});

test("a split model is one model, partial until all of it is there", async () => {
  await writeFile(path.join(dir, "big-Q8_0-00001-of-00002.gguf"), "");
  expect(await catalogue().list()).toMatchObject([{ id: "big", status: "invalid" }]);
  await copyFile(beeTiny, path.join(dir, "big-Q8_0-00001-of-00002.gguf"));
  expect(await catalogue().list()).toMatchObject([{ id: "big", status: "partial" }]);
  await expect(catalogue().resolve("big")).rejects.toThrow("1 of 2 files");
  await copyFile(beeTiny, path.join(dir, "big-Q8_0-00002-of-00002.gguf"));
  expect(await catalogue().list()).toMatchObject([{ id: "big", status: "ready", size_bytes: 2 * 2_301_280 }]);
});

test("whatever is wrong with a file, it is model_invalid and says so", async () => {
  const good = await readFile(beeTiny);
  const patched = (at: number, bytes: number[]) =>
    Buffer.concat([good.subarray(0, at), Buffer.from(bytes), good.subarray(at + bytes.length)]);
  const broken: Record<string, Buffer> = {
    empty: Buffer.alloc(0),
    text: Buffer.from("hello, this is not a model file at all"),
    garbage: randomBytes(100_000),
    "magic-only": Buffer.concat([Buffer.from("GGUF"), randomBytes(50_000)]),
    version: patched(4, [99, 0, 0, 0]),
    "many-tensors": patched(8, [255, 255, 255, 255, 255, 255, 255, 127]),
    "many-keys": patched(16, [255, 255, 255, 255, 0, 0, 0, 0]),
    "keys-off": patched(16, [200, 0]),
    "half-header": good.subarray(0, 2_000),
    "no-weights": good.subarray(0, 60_000),
    "last-byte-gone": good.subarray(0, good.length - 1),
  };
  for (const [name, bytes] of Object.entries(broken)) {
    await writeFile(path.join(dir, `${name}.gguf`), bytes);
    await expect(catalogue().resolve(name), name).rejects.toThrow(invalid);
    expect(await catalogue().get(name), name).toMatchObject({
      status: "invalid",
      problem: expect.any(String) as string,
    });
  }
  expect(await catalogue().list()).toHaveLength(Object.keys(broken).length);
});

test("damage at any place of the header is either harmless or model_invalid", async () => {
  const file = path.join(dir, "noisy.gguf");
  const good = await readFile(beeTiny);
  const models = catalogue();
  // A fixed walk instead of chance: a failure must come back.
  for (let at = 0; at < 40_000; at += 997) {
    const bytes = Buffer.from(good);
    bytes.writeUInt32LE((at * 2_654_435_761) >>> 0, at);
    await writeFile(file, bytes);
    const outcome = await models.resolve("noisy").catch((error: unknown) => error);
    if (outcome instanceof Error) expect(outcome).toMatchObject({ code: "model_invalid" });
  }
});

test("a file that shrinks while it is known is noticed", async () => {
  const file = path.join(dir, "a.gguf");
  await copyFile(beeTiny, file);
  const models = catalogue();
  await models.resolve("a");
  await truncate(file, 1_000_000);
  await expect(models.resolve("a")).rejects.toThrow("cut off");
});

test("not more models are listed than an inventory holds", () => {
  expect(limits.models_max).toBeLessThanOrEqual(1_000);
});
