import { problemOf } from "@rbee/contracts";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { queen } from "../../testing/queen-client.ts";
import { TestHive } from "../../testing/test-hive.ts";

/** What OpenAI's and Ollama's text endpoints take and refuse, with a hive that does exactly what a test tells it. */

let hive: TestHive;
let hives = 0;
let model: string;

beforeEach(async () => {
  ({ hive, model } = await TestHive.serving(`texts-hive-${++hives}`));
  return () => hive.hangUp();
});

afterEach(() => {
  vi.useRealTimers();
});

const ask = (path: string, body: object): Promise<Response> =>
  queen(path, { method: "POST", body: JSON.stringify({ model, ...body }) });

/** Takes the next job up, and ends it. @returns what it was asked for */
async function answerNext(result: object): Promise<Record<string, unknown>> {
  const { op, lane } = await hive.take();
  const where = { model, hive_id: hive.hive_id, worker_id: "worker-llama-9100" };
  await lane.end(0, { status: "succeeded", result: { ...result, ...where } });
  return op.input;
}

test("vectors are shortened, and never longer than their model makes them", async () => {
  const result = { embeddings: [[0.6, 0.8, 0]], usage: { prompt_tokens: 1, total_tokens: 1 } };
  const shorter = ask("/v1/embeddings", { input: "bees", dimensions: 1 });
  await answerNext(result);
  expect(await (await shorter).json()).toMatchObject({ data: [{ embedding: [1] }] });
  const longer = ask("/v1/embeddings", { input: "bees", dimensions: 4 });
  await answerNext(result);
  expect(await (await longer).text()).toContain("vectors of this model have 3");
});

test("Ollama: an empty text among others has its vector", async () => {
  const answering = ask("/api/embed", { input: ["", "a"] });
  const result = { embeddings: [[1], [1]], usage: { prompt_tokens: 2, total_tokens: 2 } };
  expect(await answerNext(result)).toMatchObject({ input: [" ", "a"] });
  expect(await (await answering).json()).toMatchObject({ embeddings: [[1], [1]] });
});

test.each([[{ prompt: "" }], [{ prompt: null }], [{ prompt: [""] }], [{}]])(
  "completions: %j is the beginning of nothing in particular",
  async (body) => {
    const answering = ask("/v1/completions", { ...body, echo: true });
    const usage = { prompt_tokens: 1, cached_tokens: 0, completion_tokens: 1, total_tokens: 2 };
    const timings = { wait_ms: 0, prompt_ms: 0, generation_ms: 0, tokens_per_s: 0 };
    expect(await answerNext({ text: "Once", finish_reason: "stop", usage, timings })).toMatchObject({ prompt: " " });
    expect(await (await answering).json()).toMatchObject({ choices: [{ text: "Once" }] });
  },
);

test("completions: options of a stream that was not asked for are refused", async () => {
  const refused = await ask("/v1/completions", { prompt: "x", stream_options: { include_usage: true } });
  expect([refused.status, await refused.json()]).toMatchObject([400, { error: { param: "stream_options" } }]);
});

test("when to try again is told as the hive said it", async () => {
  // However slow this machine: headers do not go out by themselves.
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const answering = ask("/v1/completions", { prompt: "x", stream: true });
  const { lane } = await hive.take();
  await lane.end(0, { status: "failed", error: problemOf("unavailable", "the engine fell over", 7) });
  expect((await answering).headers.get("retry-after")).toBe("7");
});
