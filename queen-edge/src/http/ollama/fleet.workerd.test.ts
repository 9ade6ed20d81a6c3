import { limits } from "@rbee/contracts";
import { afterEach, expect, test, vi } from "vitest";
import { aModel, anInventory, aWorker } from "../../testing/fleets.ts";
import { makeKey, queen, shows } from "../../testing/queen-client.ts";
import { TestHive } from "../../testing/test-hive.ts";

/** What Ollama's clients see and do of the fleet, with hives that say exactly what a test tells them. */

afterEach(() => {
  vi.useRealTimers();
});

/** A hive that has these models and, of some, a worker. */
async function serving(name: string, models: readonly string[], loaded: readonly string[] = []): Promise<TestHive> {
  const hive = await TestHive.enrol(name);
  const workers = loaded.map((model) => aWorker({ model, worker_id: `worker-of-${model.replace(":", "-")}` }));
  const inventory = anInventory({
    models: models.map((id) => aModel({ id, name: id, loaded: loaded.includes(id) })),
    workers,
  });
  await hive.connect({ inventory });
  return hive;
}

const asks = (method: "POST" | "DELETE", path: string, body: object): Promise<Response> =>
  queen(path, { method, body: JSON.stringify(body) });

const taken = (hive: TestHive, message: string) =>
  hive.take().then(async ({ op, lane }) => {
    await lane.end(0, { status: "succeeded", result: { message, freed_bytes: 1 } });
    return op;
  });

test("what removes a model, or lets it go, takes the one that was named and no other", async () => {
  const hive = await serving("exact-hive", ["exact:q4", "exact:q8", "lone"], ["exact:q4", "exact:q8", "lone"]);
  for (const model of ["exact", "lone:q8"]) {
    const removed = await asks("DELETE", "/api/delete", { model });
    expect(removed.status).toBe(404);
    expect(await removed.json()).toEqual({ error: expect.stringContaining("there are exact:q4") as string });
    expect((await asks("POST", "/api/generate", { model, keep_alive: 0 })).status).toBe(404);
  }
  const removing = asks("DELETE", "/api/delete", { model: "exact:q8" });
  expect(await taken(hive, "gone")).toMatchObject({ operation: "model_delete", input: { id: "exact:q8" } });
  expect((await removing).status).toBe(200);
  const leaving = asks("POST", "/api/generate", { model: "lone:latest", keep_alive: 0 });
  expect(await taken(hive, "let go")).toMatchObject({ operation: "model_unload", input: { id: "lone" } });
  expect(await (await leaving).json()).toMatchObject({ done_reason: "unload" });
  await hive.hangUp();
});

test("a model is loaded while a worker that can be reached has it, and not because its hive once said so", async () => {
  const names = async (): Promise<string[]> => {
    const answer: { models: { name: string }[] } = await (await queen("/api/ps")).json();
    return answer.models.map(({ name }) => name);
  };
  const hive = await serving("away-hive", ["away", "idle"], ["away"]);
  expect(await names()).toEqual(["away:latest"]);
  await hive.hangUp();
  expect(await names()).toEqual([]);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + limits.worker_unreachable_ms + 1 });
  expect(await names()).toEqual([]);
  const { models }: { models: { name: string }[] } = await (await queen("/api/tags")).json();
  expect(models.map(({ name }) => name)).toEqual(expect.arrayContaining(["away:latest", "idle:latest"]));
});

test("what is not known of a model is left out, and what an embedding model is for is told where it is", async () => {
  const hive = await serving("shown-hive", ["shown"]);
  const { key } = await makeKey("stranger");
  const ask = { method: "POST", body: JSON.stringify({ model: "shown" }) };
  const little: Shown = await (await queen("/api/show", { ...ask, headers: shows(key) })).json();
  expect(little.model_info).toEqual({});
  const asking = queen("/api/show", ask);
  const { lane } = await hive.take();
  const model = { ...aModel({ id: "shown" }), architecture: "bert", context: 512 };
  await lane.end(0, { status: "succeeded", result: { model } });
  const much: Shown = await (await asking).json();
  expect(much.model_info).toEqual({ "general.architecture": "bert", "bert.context_length": 512 });
  expect(much.capabilities).toEqual(["embedding"]);
  await hive.hangUp();
});

interface Shown {
  readonly model_info: object;
  readonly capabilities: readonly string[];
}
