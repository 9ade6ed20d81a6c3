import { operations } from "@rbee/contracts";
import { copyFile, link, mkdir, readFile, readlink, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { removeModel } from "./remove.ts";
import { sha256 } from "./testing/hub.ts";
import { beeTiny, beeTinyFile, padded, progressOf, Stand } from "./testing/stand.ts";

let stand: Stand;
beforeEach(async () => {
  stand = await Stand.open();
});
afterEach(async () => stand.close());

const ready = (id: string) => expect.objectContaining({ id, status: "ready" }) as unknown;

test("a model of the hub lies in the cache as its tools lay it, and is checked and known", async () => {
  const bytes = padded(3_000_000);
  const { commit } = stand.hub.addRepo("org/bee", { "bee.Q8_0.gguf": bytes, "README.md": Buffer.from("hi") });
  const { events, ...provided } = await stand.provide("hf:org/bee");
  const hash = sha256(bytes);
  expect(operations.model_download.result.parse(provided)).toEqual({
    model_id: "org/bee:Q8_0",
    status: "ready",
    path: path.join(stand.home, "hub/models--org--bee/blobs", hash),
    sha256: hash,
    size_bytes: bytes.length,
    already_there: false,
  });
  expect(await stand.files()).toEqual([
    `hub/models--org--bee/blobs/${hash}`,
    "hub/models--org--bee/refs/main",
    `hub/models--org--bee/snapshots/${commit}/bee.Q8_0.gguf`,
  ]);
  const snapshot = path.join(stand.home, `hub/models--org--bee/snapshots/${commit}/bee.Q8_0.gguf`);
  expect(await readlink(snapshot)).toBe(`../../blobs/${hash}`);
  expect(await readFile(path.join(stand.home, "hub/models--org--bee/refs/main"), "utf8")).toBe(commit);
  expect((await readFile(snapshot)).equals(bytes)).toBe(true);
  expect(await stand.models.catalogue.list()).toEqual([ready("org/bee:Q8_0")]);
  expect(progressOf(events).at(-1)).toMatchObject({ done: bytes.length, total: bytes.length, unit: "bytes" });
  expect(stand.hub.sent).toBe(bytes.length);
});

test("what is complete is there at once, and the hub is not even asked", async () => {
  stand.hub.addRepo("org/bee", { "bee.Q8_0.gguf": beeTiny });
  await stand.provide("org/bee");
  const asked = stand.hub.requests.length;
  for (const model of ["org/bee", "org/bee:q8_0", "org/bee/bee.Q8_0.gguf"]) {
    expect(await stand.provide(model)).toMatchObject({ model_id: "org/bee:Q8_0", already_there: true });
  }
  await stand.again();
  expect(await stand.provide("org/bee")).toMatchObject({ already_there: true });
  expect(stand.hub.requests.length).toBe(asked);
  // A revision is asked for, but not fetched again.
  expect(await stand.provide({ model: "org/bee", revision: "main" })).toMatchObject({ already_there: true });
  expect(stand.hub.sent).toBe(beeTiny.length);
});

test.each([
  [["a.Q8_0.gguf", "a.Q4_K_M.gguf", "a.F16.gguf"], "", "Q4_K_M"],
  [["a.Q8_0.gguf", "a.Q5_K_M.gguf", "a.Q4_0.gguf"], "", "Q5_K_M"],
  [["a.Q2_K.gguf", "a.F16.gguf", "a.Q5_0.gguf"], "", "Q5_0"],
  [["a.F16.gguf", "a.Q2_K.gguf"], "", "F16"],
  [["a.Q8_0.gguf", "a.Q4_K_M.gguf"], ":q8_0", "Q8_0"],
  [["mmproj-a-F16.gguf", "a.Q2_K.gguf"], "", "Q2_K"],
])("of %j, org/a%s means %s", async (files, quant, expected) => {
  stand.hub.addRepo("org/a", Object.fromEntries(files.map((file) => [file, beeTiny])));
  expect(await stand.provide(`org/a${quant}`)).toMatchObject({ model_id: `org/a:${expected}` });
});

test("a split model is fetched whole, from any of its parts' names", async () => {
  const parts = { "q/big-Q8_0-00001-of-00002.gguf": padded(10), "q/big-Q8_0-00002-of-00002.gguf": padded(20) };
  stand.hub.addRepo("org/big", parts);
  const { model_id, path: file, size_bytes } = await stand.provide("org/big/q/big-Q8_0-00002-of-00002.gguf");
  expect({ model_id, size_bytes }).toEqual({ model_id: "org/big:Q8_0", size_bytes: 2 * beeTiny.length + 30 });
  expect((await readFile(file)).equals(parts["q/big-Q8_0-00001-of-00002.gguf"])).toBe(true);
  expect((await stand.models.catalogue.get(model_id)).files).toHaveLength(2);
});

test("a revision is what it says", async () => {
  const [old, fresh] = [padded(1), padded(2)];
  stand.hub.addRepo("org/bee", { "bee.Q8_0.gguf": old }, { revision: "v1" });
  stand.hub.addRepo("org/bee", { "bee.Q8_0.gguf": fresh });
  stand.hub.addRepo("org/bee", { "bee.Q8_0.gguf": old }, { revision: "refs/pr/1" });
  for (const revision of ["v1", "refs/pr/1"])
    expect(await stand.provide({ model: "org/bee", revision })).toMatchObject({ sha256: sha256(old) });
  await expect(stand.provide({ model: "org/bee", revision: "v9" })).rejects.toMatchObject({ code: "model_not_found" });
});

test("the token opens what is gated, and is shown to nobody but the hub [MODEL-5]", async () => {
  await stand.close();
  const cdn = await Stand.open();
  stand = await Stand.open({ allowPrivate: true, token: "hf_test_token" });
  stand.hub.addRepo("org/gated", { "bee.Q8_0.gguf": beeTiny }, { gated: true });
  cdn.hub.addRepo("any/any", { "bee.Q8_0.gguf": beeTiny });
  stand.hub.cdn = cdn.hub.url;
  await stand.provide("org/gated");
  expect(stand.hub.requests.every(({ headers }) => headers.authorization === "Bearer hf_test_token")).toBe(true);
  expect(cdn.hub.requests.length).toBeGreaterThan(0);
  expect(cdn.hub.requests.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  await cdn.close();
});

test("what is gated, missing or no GGUF is refused with the reason", async () => {
  stand.hub.addRepo("org/gated", { "bee.Q8_0.gguf": beeTiny }, { gated: true });
  stand.hub.addRepo("org/raw", { "model.safetensors": Buffer.from("x") });
  stand.hub.addRepo("org/bee", { "bee.Q8_0.gguf": beeTiny });
  await expect(stand.provide("org/gated")).rejects.toMatchObject({ code: "hub_refused" });
  await expect(stand.provide("org/nothing")).rejects.toMatchObject({ code: "model_not_found" });
  await expect(stand.provide("org/raw")).rejects.toThrow("only safetensors");
  await expect(stand.provide("org/bee:Q4_0")).rejects.toThrow("it has Q8_0");
  expect(await stand.models.catalogue.list()).toEqual([]);
});

test("two who ask for one model share one transfer; one may leave [MODEL-3]", async () => {
  const bytes = padded(2_000_000);
  stand.hub.addRepo("org/bee", { "bee.Q8_0.gguf": bytes });
  const leaver = new AbortController();
  let asking = 3;
  const all = Promise.withResolvers<void>();
  stand.hub.onPiece = async () => all.promise;
  const ask = async (model: string, signal?: AbortSignal) => {
    const steps = stand.models.provisioner.provide({ model }, signal ?? new AbortController().signal);
    for (;;) {
      const step = await steps.next();
      if (step.done === true) return step.value;
      if (step.value.type === "progress" && step.value.done === 0) {
        asking -= 1;
        if (asking === 0) leaver.abort(new Error("left"));
      }
    }
  };
  const [one, two, three] = [ask("org/bee"), ask("org/bee:Q8_0"), ask("org/bee", leaver.signal)];
  await expect(three).rejects.toThrow("left");
  all.resolve();
  expect((await one).path).toBe((await two).path);
  expect(stand.hub.sent).toBe(bytes.length);
});

test("cancel keeps what came; the model is listed with how much of it; asking again goes on", async () => {
  const bytes = padded(4_000_000);
  stand.hub.addRepo("org/bee", { "bee.Q8_0.gguf": bytes });
  await stand.provideUntil(bytes.length / 2, "org/bee");
  const [partial] = await stand.models.catalogue.list();
  expect(partial).toMatchObject({ id: "org/bee:Q8_0", status: "partial", size_bytes: bytes.length });
  expect(partial?.percent).toBeGreaterThan(0);
  expect(await stand.models.catalogue.get("org/bee:Q8_0")).toMatchObject({
    status: "partial",
    percent: partial?.percent,
  });
  const before = stand.hub.sent;
  await stand.again();
  expect(await stand.models.catalogue.list()).toEqual([partial]);
  const { sha256: hash } = await stand.provide("org/bee");
  expect(hash).toBe(sha256(bytes));
  expect(stand.hub.sent - before).toBeLessThan(bytes.length * (1.01 - (partial?.percent ?? 0) / 100));
  expect(await stand.models.catalogue.list()).toEqual([ready("org/bee:Q8_0")]);
});

test("bytes that another program has are taken from there", async () => {
  const bytes = padded(100);
  stand.hub.addRepo("org/bee", { "bee.Q8_0.gguf": bytes });
  const ollama = path.join(stand.home, "ollama");
  await mkdir(path.join(ollama, "blobs"), { recursive: true });
  await mkdir(path.join(ollama, "manifests/registry.ollama.ai/library/bee"), { recursive: true });
  await writeFile(path.join(ollama, "blobs", `sha256-${sha256(bytes)}`), bytes);
  const layers = [{ mediaType: "application/vnd.ollama.image.model", digest: `sha256:${sha256(bytes)}` }];
  await writeFile(path.join(ollama, "manifests/registry.ollama.ai/library/bee/8b"), JSON.stringify({ layers }));
  const { hub } = stand;
  const other = await Stand.open({
    endpoint: new URL(hub.url),
    roots: [{ kind: "ollama", dir: ollama, owner: "Ollama" }],
  });
  expect(await other.models.catalogue.list()).toEqual([ready("bee:8b")]);
  expect(await other.provide("org/bee")).toMatchObject({ model_id: "org/bee:Q8_0", sha256: sha256(bytes) });
  expect(hub.sent).toBe(0);
  // One whose bytes are not what its name says is of no use.
  const rotten = Buffer.from(bytes).fill(7, 1_000, 1_100);
  await writeFile(path.join(ollama, "blobs", `sha256-${sha256(bytes)}`), rotten);
  await removeModel(other.models.catalogue, "org/bee:Q8_0");
  expect(await other.provide("org/bee")).toMatchObject({ sha256: sha256(bytes) });
  expect(hub.sent).toBe(bytes.length);
  await other.close();
});

test("files of LM Studio and llama.cpp are models of theirs", async () => {
  const studio = path.join(stand.home, "studio/org/bee");
  const llama = path.join(stand.home, "llama");
  await mkdir(studio, { recursive: true });
  await mkdir(llama);
  await copyFile(beeTinyFile, path.join(studio, "bee.Q8_0.gguf"));
  await copyFile(beeTinyFile, path.join(llama, "org_bee_bee.Q4_0.gguf"));
  const roots = [
    { kind: "publisher", dir: path.join(stand.home, "studio"), owner: "LM Studio" },
    { kind: "folder", dir: llama, owner: "llama.cpp" },
  ] as const;
  const other = await Stand.open({ roots });
  expect(await other.models.catalogue.list()).toEqual([ready("org/bee:Q8_0"), ready("org_bee_bee")]);
  await other.close();
});

test("a plain address is fetched into the hive's own folder, and resumed by its ETag", async () => {
  const bytes = padded(3_000_000);
  const url = stand.hub.addFile("/files/some%20model.Q8_0.gguf".replace("%20", "-"), bytes);
  stand.hub.faults.push({ kind: "reset", after: 1 }, { kind: "reset", after: 1_500_000 });
  await stand.provideUntil(1_000_000, url);
  const { model_id, sha256: hash, path: file } = await stand.provide(url);
  expect(model_id).toBe("some-model");
  expect((await readFile(file)).equals(bytes)).toBe(true);
  expect(hash).toBe(sha256(bytes));
  expect(stand.hub.requests.at(-1)?.headers["if-range"]).toBe(`"${sha256(bytes).slice(0, 16)}"`);
  expect(await stand.provide(url)).toMatchObject({ already_there: true });
});

test("a file of this machine is taken by another name, and nothing is told of files that are no models", async () => {
  const file = path.join(stand.home, "elsewhere.gguf");
  await copyFile(beeTinyFile, file);
  const { path: taken, model_id } = await stand.provide(`file://${file}`);
  expect(model_id).toBe("elsewhere");
  expect((await stat(taken)).ino).toBe((await stat(file)).ino);
  await writeFile(path.join(stand.home, "secret.gguf"), "top secret");
  const why = "there is no GGUF file at that place that this hive may read";
  for (const name of ["secret.gguf", "nothing.gguf"]) {
    await expect(stand.provide(`file:${path.join(stand.home, name)}`)).rejects.toThrow(why);
  }
  await expect(stand.provide("file:///etc/passwd")).rejects.toThrow(why);
});

test("a limit on the bandwidth is kept", async () => {
  const bytes = padded(1_000_000);
  stand.hub.addRepo("org/bee", { "bee.Q8_0.gguf": bytes });
  const begun = performance.now();
  await stand.again({ bytes_per_second: 3_000_000 });
  const { events } = await stand.provide("org/bee");
  const ms = performance.now() - begun;
  expect(ms).toBeGreaterThan((1_000 * bytes.length) / 3_000_000 - 150);
  expect(progressOf(events).some(({ eta_ms = 0, per_second = 0 }) => eta_ms > 0 && per_second > 0)).toBe(true);
});

test("the same file has the same digest, however it came", async () => {
  const bytes = padded(5_000_000);
  stand.hub.addRepo("org/bee", { "bee.Q8_0.gguf": bytes });
  await stand.provide("org/bee");
  const copy = path.join(stand.home, "models", "mine.gguf");
  await writeFile(copy, bytes);
  await link(copy, path.join(stand.home, "models", "other.gguf"));
  const digests = (await stand.models.catalogue.list()).map(({ digest }) => digest);
  expect(digests).toHaveLength(3);
  expect(new Set(digests).size).toBe(1);
  expect(digests[0]).toMatch(/^gguf:[0-9a-f]{32}$/);
});

test("what is left of an older state of a repository goes when the newer one is fetched", async () => {
  stand.hub.addRepo("org/bee", { "bee.Q8_0.gguf": padded(3_000_000) });
  await stand.provideUntil(1_000_000, "org/bee");
  stand.hub.addRepo("org/bee", { "bee.Q8_0.gguf": padded(3_000_000) });
  await stand.provide("org/bee");
  expect((await stand.files()).filter((name) => name.includes(".part"))).toEqual([]);
});

test("several ranges of a large file come at the same time, and no more than allowed", async () => {
  const bytes = padded(6_000_000);
  stand.hub.addRepo("org/bee", { "bee.Q8_0.gguf": bytes });
  await stand.again({ connections: 3 });
  let [open, most] = [0, 0];
  const all = Promise.withResolvers<void>();
  stand.hub.onPiece = async (sent) => {
    // The first range has begun alone; the others come when it was answered, and all wait here.
    if (sent === 0) return;
    open += 1;
    most = Math.max(most, open);
    if (open === 3) all.resolve();
    await all.promise;
    open -= 1;
  };
  const { sha256: hash } = await stand.provide("org/bee");
  expect(hash).toBe(sha256(bytes));
  expect(most).toBe(3);
});
