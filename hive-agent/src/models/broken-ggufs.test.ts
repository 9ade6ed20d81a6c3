import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ModelCatalogue } from "./catalogue.ts";
import { GgufReader } from "./gguf-reader.ts";
import { brokenGguf } from "./testing/broken-ggufs.ts";
import { beeTiny } from "./testing/stand.ts";

const FILES = Number(process.env["RBEE_BROKEN_GGUFS"] ?? 100);
const MIB = 1_048_576;
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), "rbee-broken-"));
  for (let seed = 0; seed < FILES; seed += 1) {
    await writeFile(path.join(dir, `broken${seed}.gguf`), brokenGguf(beeTiny, seed));
  }
});
afterAll(async () => rm(dir, { recursive: true, force: true }));

test(`${FILES} broken files: each is fine or model_invalid, and the agent does not swell [MODEL-7]`, async () => {
  const catalogue = new ModelCatalogue({ dirs: [dir] });
  const before = process.memoryUsage().rss;
  let invalid = 0;
  for (let seed = 0; seed < FILES; seed += 1) {
    const failure = await catalogue.resolve(`broken${seed}`).catch((error: unknown) => error);
    if (failure instanceof Error) expect(failure, `seed ${seed}`).toMatchObject({ code: "model_invalid" });
    if (failure instanceof Error) invalid += 1;
  }
  expect(invalid).toBeGreaterThan(FILES / 2);
  expect(await catalogue.list()).toHaveLength(FILES);
  // Far from what a parser that ran here, or believed a count, would do.
  expect((process.memoryUsage().rss - before) / MIB).toBeLessThan(512);
});

test("a reader that takes too long or too much is ended, and another reads the next file", async () => {
  const good = path.join(dir, "good.gguf");
  await writeFile(good, beeTiny);
  const question = { path: good, size: beeTiny.length };
  const hasty = new GgufReader({ read_ms: 1 });
  expect(await hasty.read(question)).toEqual({ problem: "reading its header takes too long" });
  expect(await hasty.read(question)).toHaveProperty("problem");
  const poor = new GgufReader({ heap_mib: 5 });
  expect(await poor.read(question)).toEqual({ problem: "its header is more than can be read" });
  const reader = new GgufReader();
  // A folder: reading it fails in ways of its own.
  expect(await reader.read({ ...question, path: dir })).toHaveProperty("problem");
  expect(await Promise.all([reader.read(question), reader.read(question)])).toMatchObject([
    { header: { architecture: "llama" } },
    {},
  ]);
});
