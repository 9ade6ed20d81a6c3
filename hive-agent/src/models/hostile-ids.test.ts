import { ModelId, parseInput, RbeeError } from "@rbee/contracts";
import fc from "fast-check";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hostileIds } from "./testing/hostile-ids.ts";
import { removeModel } from "./remove.ts";
import { parseSource } from "./source.ts";
import { beeTiny, Stand } from "./testing/stand.ts";

let stand: Stand;
beforeEach(async () => {
  stand = await Stand.open();
});
afterEach(async () => stand.close());

/** What is in the home and around it. */
const everything = async (): Promise<string[]> => {
  const names = await readdir(path.dirname(stand.home), { recursive: true });
  return names.filter((name) => !name.includes("models.db")).toSorted();
};

test("1,000 hostile ids are refused, and nothing is made, changed or removed anywhere [MODEL-6]", async () => {
  stand.hub.addRepo("org/bee", { "bee.Q8_0.gguf": beeTiny });
  await stand.provide("org/bee");
  await writeFile(path.join(stand.home, "precious"), "keep me");
  const before = await everything();
  const asked = stand.hub.requests.length;
  const ids = hostileIds(1_000);
  expect(new Set(ids).size).toBe(1_000);
  for (const id of ids) {
    const code = (work: () => unknown): unknown => {
      try {
        return work();
      } catch (error) {
        return error instanceof RbeeError ? error.code : error;
      }
    };
    expect(
      code(() => parseInput("model_delete", { id })),
      id,
    ).toBe("invalid_input");
    expect(
      code(() => parseInput("model_get", { id })),
      id,
    ).toBe("invalid_input");
    expect(
      code(() => parseInput("model_download", { model: id })),
      id,
    ).toBe("invalid_input");
    // The schema stands in front; what is behind it holds on its own.
    await expect(stand.provide(id), id).rejects.toBeInstanceOf(RbeeError);
    await expect(removeModel(stand.models.catalogue, id), id).rejects.toMatchObject({ code: "model_not_found" });
    await expect(stand.models.catalogue.resolve(id), id).rejects.toMatchObject({ code: "model_not_found" });
  }
  expect(await everything()).toEqual(before);
  expect(stand.hub.requests.length).toBe(asked);
});

test("a hub that lists files outside of its repository is not followed there", async () => {
  stand.hub.addRepo("org/evil", {
    "../../../evil.Q8_0.gguf": beeTiny,
    "/tmp/evil.Q8_0.gguf": beeTiny,
    "a/../../../evil.Q4_0.gguf": beeTiny,
    "c:\\evil.Q4_0.gguf": beeTiny,
    "good.Q2_K.gguf": beeTiny,
  });
  await mkdir(path.join(stand.home, "models"), { recursive: true });
  expect(await stand.provide("org/evil")).toMatchObject({ model_id: "org/evil:Q2_K" });
  expect((await stand.files()).filter((name) => !name.startsWith("hub/models--org--evil/"))).toEqual([]);
});

test("whatever parses as a source names one repository, one address or one absolute path", () => {
  const endpoint = new URL("https://hub.example");
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.webUrl(), fc.stringMatching(/^[a-z./:~%-]{1,40}$/)), (text) => {
      try {
        const source = parseSource(text, endpoint);
        if (source.kind === "hub") expect(ModelId.safeParse(source.repo).success).toBe(true);
        if (source.kind === "file") expect(path.isAbsolute(source.path)).toBe(true);
        if (source.kind === "url") expect(source.url.protocol).toMatch(/^https?:$/);
      } catch (error) {
        expect(error).toMatchObject({ code: "invalid_input" });
      }
    }),
  );
});

test.each([
  [
    "https://hub.example/org/repo/resolve/main/a.gguf",
    { kind: "hub", repo: "org/repo", file: "a.gguf", revision: "main" },
  ],
  [
    "https://hub.example/org/repo/blob/v1/q/a.gguf?download=true",
    { kind: "hub", repo: "org/repo", file: "q/a.gguf", revision: "v1" },
  ],
  ["hf:org/repo:Q4_0", { kind: "hub", repo: "org/repo", quant: "Q4_0" }],
  ["file:///a/b.gguf", { kind: "file", path: "/a/b.gguf" }],
])("%s is %j", (text, expected) => {
  expect(parseSource(text, new URL("https://hub.example"))).toEqual(expected);
});
