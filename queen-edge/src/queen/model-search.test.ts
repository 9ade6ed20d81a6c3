import { operations, type HiveInfo } from "@rbee/contracts";
import { expect, test } from "vitest";
import { searchModels, type Hub } from "./model-search.ts";

const GIB = 1024 ** 3;
const hive = (hive_id: string, gib: number): HiveInfo => ({
  hive_id,
  connected: true,
  last_seen: 0,
  enrolled_at: 0,
  devices: [{ id: "cuda:0", kind: "cuda", name: "a GPU", memory_total_bytes: gib * GIB, memory_free_bytes: 0 }],
  models: [],
  jobs_running: 0,
  jobs_queued: 0,
});
const file = (path: string, gib: number) => ({
  type: "file",
  path,
  size: 133,
  oid: "x",
  lfs: { oid: "y", size: gib * GIB },
});

const trees: Readonly<Record<string, unknown>> = {
  "org/seven": [
    file("seven-Q8_0.gguf", 8),
    file("seven-Q4_K_M.gguf", 4),
    file("mmproj-seven-F16.gguf", 1),
    { type: "directory", path: "x", size: 0, oid: "z" },
  ],
  "org/split": [file("q/split-Q4_0-00001-of-00002.gguf", 10), file("q/split-Q4_0-00002-of-00002.gguf", 9)],
  "org/none": [{ type: "file", path: "model.safetensors", size: 9, oid: "z" }],
};
const hub = (listed: unknown): Hub => ({
  url: "https://hub.example",
  ask: async (path) => {
    if (path === "api/models") return listed;
    const tree = trees[path.replace(/^api\/models\/(.+)\/tree\/main$/, "$1")];
    if (tree === undefined) throw new Error("404");
    return tree;
  },
});
const entry = (id: string, more: object = {}) => ({
  id,
  downloads: 7,
  gated: false,
  tags: ["gguf", "license:mit"],
  ...more,
});
const search = async (listed: unknown) =>
  searchModels({ query: "x", limit: 10 }, { hub: hub(listed), hives: [hive("small", 4), hive("large", 24)] });

test("quantisations in the order they are chosen, sizes, and where the first of them fits", async () => {
  const models = await search([
    entry("org/seven"),
    entry("org/split", { gated: "manual" }),
    entry("org/none"),
    entry("org/hidden"),
  ]);
  expect(operations.model_search.result.parse({ models })).toEqual({
    models: [
      {
        id: "org/seven",
        url: "https://hub.example/org/seven",
        quants: ["Q4_K_M", "Q8_0"],
        sizes: { Q4_K_M: 4 * GIB, Q8_0: 8 * GIB },
        downloads: 7,
        gated: false,
        licence: "mit",
        fits: ["large"],
      },
      {
        id: "org/split",
        url: "https://hub.example/org/split",
        quants: ["Q4_0"],
        sizes: { Q4_0: 19 * GIB },
        downloads: 7,
        gated: true,
        licence: "mit",
        fits: ["large"],
      },
    ],
  });
});

test.each([null, {}, "x", [null, 1, { id: "../../x" }, { id: "org/seven/../x" }], [{ id: "a b" }]])(
  "a hub that answers %j finds nothing",
  async (listed) => {
    expect(await search(listed)).toEqual([]);
  },
);
