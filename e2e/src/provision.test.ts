import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startHub, type TestHub } from "../../hive-agent/src/models/testing/hub.ts";
import { BEE_TINY, House } from "./house.ts";
import { descendants, environmentOf, workersOf } from "./process.ts";

const bytes = readFileSync(BEE_TINY);
let hub: TestHub;
let house: House;
const env = { HF_TOKEN: "hf_test_token" };
beforeAll(async () => {
  hub = await startHub();
  hub.addRepo("bees/bee-tiny-GGUF", { "bee-tiny.F16.gguf": bytes }, { licence: "mit", downloads: 42 });
  hub.addRepo("bees/gated-GGUF", { "bee.F16.gguf": bytes }, { gated: true });
  house = await House.open({ HF_ENDPOINT: hub.url });
  await house.startHive("den", [], { env });
});
afterAll(async () => {
  await house.close();
  await hub.close();
});

test("a model is searched, fetched, used and removed, and the hub's token stays with the agent", async () => {
  const client = house.client();
  const { models } = await client.run("model_search", { query: "bee tiny" });
  expect(models).toMatchObject([
    {
      id: "bees/bee-tiny-GGUF",
      quants: ["F16"],
      sizes: { F16: bytes.length },
      downloads: 42,
      licence: "mit",
      fits: ["den"],
    },
  ]);
  const seen: unknown[] = [];
  const model = "bees/bee-tiny-GGUF";
  const provided = await client.run(
    "model_download",
    { hive_id: "den", model },
    { onEvent: (event) => seen.push(event) },
  );
  expect(provided).toMatchObject({
    model_id: `${model}:F16`,
    status: "ready",
    size_bytes: bytes.length,
    already_there: false,
  });
  expect(seen).toContainEqual(
    expect.objectContaining({ type: "progress", done: bytes.length, total: bytes.length, unit: "bytes" }),
  );
  const answer = await client.run("infer", { model, prompt: "Hello!", temperature: 0 });
  expect(answer).toMatchObject({ model: `${model}:F16`, hive_id: "den" });
  expect(answer.text).toContain("demo model");
  const described = await client.run("model_get", { hive_id: "den", id: model });
  expect(described.model).toMatchObject({
    architecture: "llama",
    licence: "mit",
    loaded: true,
    sha256: provided.sha256,
  });
  expect(described.model.memory?.[0]?.bytes).toBeGreaterThan(bytes.length);

  const agent = house.hive("den").pid;
  expect(workersOf(agent).length).toBeGreaterThan(0);
  for (const pid of descendants(agent)) expect(environmentOf(pid)).not.toContain(hub.token);
  expect(house.hive("den").stderr).not.toContain(hub.token);

  await expect(client.run("model_delete", { hive_id: "den", id: model })).rejects.toMatchObject({
    code: "model_in_use",
  });
  const removed = await client.run("model_delete", { hive_id: "den", id: model, force: true });
  expect(removed).toMatchObject({ freed_bytes: bytes.length });
  expect((await client.run("model_list", { hive_id: "den" })).models).toEqual([]);
  expect((await client.run("worker_process_list", { hive_id: "den" })).workers).toEqual([]);
});

test("what is gated opens with the hive's token", async () => {
  const provided = await house.client().run("model_download", { hive_id: "den", model: "bees/gated-GGUF" });
  expect(provided).toMatchObject({ model_id: "bees/gated-GGUF:F16", already_there: false });
  await expect(house.client().run("model_download", { hive_id: "den", model: "bees/none" })).rejects.toMatchObject({
    code: "model_not_found",
  });
});

test("an agent that is killed -9 on the way goes on where it was, and the job never learns of it", async () => {
  const large = Buffer.concat([bytes, Buffer.alloc(40_000_000, 7)]);
  hub.addRepo("bees/large-GGUF", { "large.F16.gguf": large });
  const before = hub.sent;
  const half = Promise.withResolvers<void>();
  const back = Promise.withResolvers<void>();
  hub.onPiece = async (sent) => {
    if (sent - before < large.length / 2) return;
    half.resolve();
    await back.promise;
  };
  const job = house.client().run("model_download", { hive_id: "den", model: "bees/large-GGUF" });
  await half.promise;
  await house.hive("den").kill("SIGKILL");
  back.resolve();
  hub.onPiece = undefined;
  const asked = hub.requests.length;
  await house.startHive("den", [], { env });
  expect(await job).toMatchObject({ model_id: "bees/large-GGUF:F16", size_bytes: large.length });
  const ranges = hub.requests.slice(asked).flatMap(({ range }) => range ?? []);
  expect(ranges.length).toBeGreaterThan(0);
  expect(ranges.filter((range) => range.startsWith("bytes=0-"))).toEqual([]);
});

test("`rbee up --model hf:…` fetches the model, and answers with it", async () => {
  const home = join(house.home, "up");
  const args = ["up", "--once", "--json", "--home", home, "--port", "0", "--model", "hf:bees/bee-tiny-GGUF"];
  const run = house.rbee(args, { HOME: home, HF_HOME: join(home, "hf"), HF_ENDPOINT: hub.url });
  run.child.stdin.end();
  const { code, out, err } = await run.ended();
  expect(code, err).toBe(0);
  expect(JSON.parse(out.split("\n")[0] ?? "")).toMatchObject({ event: "ready", model: "bees/bee-tiny-GGUF:F16" });
});
