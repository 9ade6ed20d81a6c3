import { once } from "node:events";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { House } from "./house.ts";

/** Workers, engines and models of a hive, driven through the queen. */

let house: House;
beforeAll(async () => {
  house = await House.open();
  await house.startHive("den");
});
afterAll(() => house.close());

const hive_id = "den";
const question = { model: "bee-tiny", prompt: "What do bees eat?", temperature: 0 } as const;

test("the queen chooses the hive, the hive loads the model; unloading it ends the process", async () => {
  const client = house.client();
  const first = await client.run("model_run", { model: "bee-tiny" });
  expect(first).toMatchObject({ hive_id, status: "ready", device: "cpu" });
  expect(await client.run("model_load", { hive_id, id: "bee-tiny" })).toMatchObject({ pid: first.pid });
  expect((await client.run("infer", question)).worker_id).toBe(first.worker_id);
  const { worker } = await client.run("worker_process_get", { hive_id, pid: first.pid });
  expect(worker).toMatchObject({ worker_id: first.worker_id, status: "ready" });
  await expect(client.run("worker_process_get", { hive_id, pid: process.pid })).rejects.toMatchObject({
    code: "worker_not_found",
  });
  await client.run("model_unload", { hive_id, id: "bee-tiny" });
  expect(await client.run("worker_process_list", { hive_id })).toEqual({ workers: [] });
});

test("a worker attached to a server that runs already takes requests like any other", async () => {
  const server = await bees();
  const client = house.client();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  const worker = await client.run("worker_spawn", { hive_id, model: "bumble", worker: "openai", url });
  const answer = await client.run("infer", { model: "bumble", prompt: "What do bees eat?" });
  expect(answer).toMatchObject({ text: "Nectar.", worker_id: worker.worker_id, finish_reason: "stop" });
  await client.run("worker_process_delete", { hive_id, pid: worker.pid });
  expect(server.listening).toBe(true);
  server.closeAllConnections();
  server.close();
});

test("engines: what is there, and what could be", async () => {
  const client = house.client();
  const { workers } = await client.run("worker_binary_list", { hive_id });
  expect(workers).toContainEqual(expect.objectContaining({ worker_type: "cpu-llm-worker", bundled: true }));
  const offer = await client.run("worker_catalog_get", { hive_id, worker_type: "llama-server" });
  expect(offer.worker).toMatchObject({ method: "build", installed: false });
  const there = await client.run("worker_download", { hive_id, worker_type: "cpu-llm-worker" });
  expect(there).toMatchObject({ worker_type: "cpu-llm-worker" });
  await expect(client.run("worker_binary_delete", { hive_id, worker_type: "llama-server" })).rejects.toMatchObject({
    code: "engine_not_found",
  });
});

/** RBEE_TEST_LLAMA_SERVER names a llama-server that worker_build has built. */
const built = process.env["RBEE_TEST_LLAMA_SERVER"];

test.runIf(built !== undefined)("a llama-server that was built on the hive takes requests, and is in use", async () => {
  const client = house.client();
  const { worker } = await client.run("worker_catalog_get", { hive_id, worker_type: "llama-server" });
  const folder = join(house.homeOf("den"), "binaries", `llama-server-${worker.version}`);
  mkdirSync(join(folder, "content"), { recursive: true });
  copyFileSync(built ?? "", join(folder, "content", "llama-server"));
  const manifest = { worker_type: "llama-server", version: worker.version, size_bytes: 1, backend: "cpu" };
  writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest));
  const spawned = await client.run("worker_spawn", { hive_id, model: "bee-tiny", worker: "llama-server" });
  const answer = await client.run("infer", { ...question, worker_id: spawned.worker_id });
  expect(answer.text).toBe("Bees eat nectar and pollen from flowers. In the winter they eat honey.");
  expect(answer.usage).toMatchObject({ prompt_tokens: 10, completion_tokens: 20 });
  const { worker: binary } = await client.run("worker_binary_get", { hive_id, worker_type: "llama-server" });
  expect(binary.in_use_by).toEqual([spawned.worker_id]);
  await expect(client.run("worker_binary_delete", { hive_id, worker_type: "llama-server" })).rejects.toMatchObject({
    code: "engine_in_use",
  });
  await client.run("worker_process_delete", { hive_id, pid: spawned.pid });
});

/** A server that speaks OpenAI's API and knows one answer. */
async function bees(): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.url === "/v1/models") return void response.end('{"data":[{"id":"bumble"}]}');
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write('data: {"choices":[{"delta":{"content":"Nectar."},"finish_reason":null}]}\n\n');
    response.end('data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n');
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}
