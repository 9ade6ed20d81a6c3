import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startHub, type TestHub } from "../../hive-agent/src/models/testing/hub.ts";
import { BEE_TINY, House } from "./house.ts";

/** A model's whole life: found, fetched, loaded, asked, unloaded, removed; by a program and by a person. */

const MODEL = "org/bees:Q4_K_M";
let house: House;
let hub: TestHub;
beforeAll(async () => {
  hub = await startHub();
  hub.addRepo("org/bees", { "bees.Q4_K_M.gguf": readFileSync(BEE_TINY) }, { licence: "mit" });
  house = await House.open({ HF_ENDPOINT: hub.url });
  await house.startHive("den", []);
});
afterEach(() => (hub.onPiece = undefined));
afterAll(async () => {
  await house.close();
  await hub.close();
});

const hive_id = "den";

describe("through the SDK", () => {
  test("pull, load, infer, unload, rm", async () => {
    const client = house.client();
    const bytes: number[] = [];
    const pulled = await client.run(
      "model_download",
      { hive_id, model: "org/bees" },
      { onEvent: (event) => event.type === "progress" && event.unit === "bytes" && bytes.push(event.done) },
    );
    expect(pulled).toMatchObject({ model_id: MODEL, status: "ready", already_there: false });
    expect(bytes).toEqual(bytes.toSorted((a, b) => a - b));
    expect(bytes.at(-1)).toBe(pulled.size_bytes);
    const again = await client.run("model_download", { hive_id, model: "org/bees" });
    expect(again).toMatchObject({ already_there: true, path: pulled.path });

    const worker = await client.run("model_load", { hive_id, id: MODEL });
    expect(worker.status).toBe("ready");
    expect(await client.run("model_load", { hive_id, id: MODEL })).toMatchObject({ worker_id: worker.worker_id });
    const { models } = await client.run("model_list", { hive_id });
    expect(models).toMatchObject([{ id: MODEL, loaded: true, status: "ready" }]);
    const { text } = await client.run("infer", { model: MODEL, prompt: "What do bees eat?", temperature: 0 });
    expect(text).toContain("nectar");

    await expect(client.run("model_delete", { hive_id, id: MODEL })).rejects.toMatchObject({ code: "model_in_use" });
    await client.run("model_unload", { hive_id, id: MODEL });
    const removed = await client.run("model_delete", { hive_id, id: MODEL });
    expect(removed.freed_bytes).toBe(pulled.size_bytes);
    expect((await client.run("model_list", { hive_id })).models).toEqual([]);
  });
});

describe("through the keeper", () => {
  test("search, pull, list, get, load, infer, unload, rm", async () => {
    const search = await house.typed("models", "search", "bees");
    expect(search).toMatchObject({ code: 0, out: expect.stringMatching(/org\/bees +Q4_K_M/) as string });
    const pull = await house.typed("models", "pull", "org/bees", "--hive", "den");
    expect(pull).toMatchObject({ code: 0, out: expect.stringContaining(`${MODEL} is ready: 2.2 MiB`) as string });
    const list = await house.typed("models", "list", "--hive", "den");
    expect(list.out).toMatch(/org\/bees:Q4_K_M +2\.2 MiB +ready/);
    const get = await house.typed("models", "get", MODEL, "--hive", "den");
    expect(get.out).toMatch(/architecture +llama/);
    const load = await house.typed("models", "load", MODEL, "--hive", "den", "--slots", "2");
    expect(load).toMatchObject({ code: 0, out: expect.stringMatching(/^worker-den-\d+ is ready/) as string });
    const infer = await house.typed("infer", "-m", MODEL, "--temperature", "0", "What do bees eat?");
    expect(infer).toMatchObject({ code: 0, out: expect.stringContaining("nectar") as string });
    const unload = await house.typed("models", "unload", MODEL, "--hive", "den", "--json");
    expect(JSON.parse(unload.out)).toMatchObject({ message: expect.any(String) as string });
    const rm = await house.typed("models", "rm", MODEL, "--hive", "den");
    expect(rm).toMatchObject({ code: 0, out: expect.stringContaining("2.2 MiB freed") as string });
    expect((await house.typed("models", "get", MODEL, "--hive", "den")).code).toBe(3);
  });

  test("one click: run fetches and loads", async () => {
    const run = await house.typed("models", "run", "org/bees");
    expect(run).toMatchObject({
      code: 0,
      out: expect.stringMatching(/worker-den-\d+ is ready on cpu of den/) as string,
    });
    await house.typed("models", "unload", MODEL, "--hive", "den");
    expect((await house.typed("models", "rm", MODEL, "--hive", "den")).code).toBe(0);
  });

  test("Ctrl-C cancels the transfer, keeps the part, and says so; the next pull goes on from there", async () => {
    const held = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    const before = hub.sent;
    hub.onPiece = async () => {
      if (hub.sent - before < 1_000_000) return;
      reached.resolve();
      await held.promise;
    };
    const pull = house.rbee(["models", "pull", "org/bees", "--hive", "den"]);
    await reached.promise;
    // What left the hub may still be on its way.
    const part = async () => (await house.client().run("model_list", { hive_id })).models[0]?.percent;
    await expect.poll(part).toBeGreaterThan(0);
    pull.child.kill("SIGINT");
    const { code, err } = await pull.ended();
    held.resolve();
    expect({ code, err }).toMatchObject({
      code: 130,
      err: expect.stringContaining("part that came is kept") as string,
    });
    const { models } = await house.client().run("model_list", { hive_id });
    expect(models).toMatchObject([{ status: "partial", percent: expect.any(Number) as number }]);
    hub.onPiece = undefined;
    expect((await house.typed("models", "pull", "org/bees", "--hive", "den")).code).toBe(0);
    const { length } = readFileSync(BEE_TINY);
    expect(hub.sent - before).toBeLessThan(2 * length);
    await house.typed("models", "rm", MODEL, "--hive", "den");
  });
});
