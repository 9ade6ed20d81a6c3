import { limits, problemOf, type ErrorCode, type LaneUp } from "@rbee/contracts";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { makeKey, queen, shows, SseReader, submitWith, view } from "./testing/queen-client.ts";
import { TestHive } from "./testing/test-hive.ts";

/** APIs that others defined, with a hive that does exactly what a test tells it. */

let hive: TestHive;
let hives = 0;
let model: string;

beforeEach(async () => {
  ({ hive, model } = await TestHive.serving(`api-hive-${++hives}`));
  return () => hive.hangUp();
});

afterEach(() => {
  vi.useRealTimers();
});

/** However slow this machine: headers do not go out by themselves. */
const headersWait = (): unknown => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });

const chat = (fields: object = {}, headers: Record<string, string> = {}): Promise<Response> =>
  queen("/v1/chat/completions", {
    method: "POST",
    headers,
    body: JSON.stringify({ model, messages: [{ role: "user", content: "hi" }], ...fields }),
  });

const usage = { prompt_tokens: 1, cached_tokens: 0, completion_tokens: 1, total_tokens: 2 };
const timings = { wait_ms: 0, prompt_ms: 0, generation_ms: 0, tokens_per_s: 0 };
const said = (text: string, first = 1): LaneUp => ({ t: "ev", first, items: [text] });
const done = (text: string, final: number): LaneUp => ({
  t: "end",
  final,
  outcome: {
    status: "succeeded",
    result: {
      text,
      finish_reason: "stop",
      usage,
      timings,
      model,
      hive_id: hive.hive_id,
      worker_id: "worker-llama-9100",
    },
  },
});
const broken = (final: number, code: ErrorCode = "unavailable"): LaneUp => ({
  t: "end",
  final,
  outcome: { status: "failed", error: problemOf(code, "the engine fell over") },
});

describe("failures", () => {
  test("before anything was said have their own status", async () => {
    headersWait();
    const answering = chat();
    const { lane } = await hive.take();
    lane.send(broken(0));
    const response = await answering;
    expect(response.status).toBe(503);
    expect(response.headers.get("x-should-retry")).toBe("true");
    expect(response.headers.get("x-request-id")).toMatch(/^req_/);
    expect(await response.json()).toEqual({
      error: { message: "the engine fell over", type: "server_error", param: null, code: "unavailable" },
    });
  });

  test("in mid-stream are an error event, and no [DONE]", async () => {
    const answering = chat({ stream: true });
    const { lane } = await hive.take();
    lane.send(said("Hel"));
    const reader = new SseReader(await answering);
    lane.send(broken(1));
    const events = await reader.rest();
    expect(events.at(-1)?.data).toContain('"error":{"message":"the engine fell over"');
    expect(events.map(({ data }) => data)).not.toContain("[DONE]");
  });

  test("behind headers that had to go out leave a body that nobody takes for an answer [API-2]", async () => {
    const answering = chat();
    const { lane } = await hive.take();
    // Nothing is said: the headers go out by themselves.
    const response = await answering;
    expect(response.status).toBe(200);
    lane.send(broken(0));
    await expect(response.json()).rejects.toThrow();
  });

  test("of an engine that dies are nobody's who has seen nothing: its answer is begun elsewhere [API-4]", async () => {
    const answering = chat();
    const { op, lane } = await hive.take();
    lane.send(broken(0, "worker_died"));
    const again = await hive.take();
    expect(again.op.job_id).toBe(op.job_id);
    expect(again.op.term).toBeGreaterThan(op.term);
    again.lane.send(said("Hello"));
    again.lane.send(done("Hello", 1));
    expect(await (await answering).json()).toMatchObject({ choices: [{ message: { content: "Hello" } }] });
  });

  test("of a job that somebody cancelled is no reason to try again", async () => {
    headersWait();
    const answering = chat();
    const { op, lane } = await hive.take();
    await queen(`/v1/jobs/${op.job_id}`, { method: "DELETE" });
    await lane.next();
    lane.send({ t: "end", final: 0, outcome: { status: "cancelled" } });
    const response = await answering;
    expect(response.status).toBe(409);
    expect(response.headers.get("x-should-retry")).toBe("false");
  });
});

test("white space in front of an answer that took its time is part of no value [API-2]", async () => {
  const answering = chat();
  const { lane } = await hive.take();
  const response = await answering;
  const reading = response.text();
  lane.send(said("Hello"));
  lane.send(done("Hello", 1));
  const text = await reading;
  expect(JSON.parse(text)).toMatchObject({ choices: [{ message: { content: "Hello" } }] });
});

test.each([
  ["GET", "/v1/models", "x-request-id"],
  ["GET", "/openai/v1/models/nothing", "x-request-id"],
  ["POST", "/v1/chat/completions", "x-request-id"],
  ["PUT", "/v1/embeddings", "x-request-id"],
  ["POST", "/v1/responses/nothing/cancel", "x-request-id"],
  ["POST", "/v1/messages", "request-id"],
  ["GET", "/v1/messages/nothing", "request-id"],
  ["GET", "/v1/models", "request-id"],
  ["GET", "/v1/models/nothing", "request-id"],
  ["GET", "/api/tags", "x-request-id"],
  ["POST", "/api/chat", "x-request-id"],
  ["GET", "/api/nothing", "x-request-id"],
])("%s %s says what the request is called, whether it was right, wrong or nobody's", async (method, path, header) => {
  const more: Record<string, string> = header === "request-id" ? { "anthropic-version": "2023-06-01" } : {};
  const body = method === "POST" ? { body: "{}" } : {};
  for (const headers of [more, { ...more, authorization: "Bearer rbk_wrong" }]) {
    const answer = await queen(path, { method, headers, ...body });
    expect(answer.headers.get(header)).toMatch(/^req_[0-9a-f]{32}$/);
  }
});

test("how many more jobs a key may open is told in each API's own words, and others' jobs do not count", async () => {
  const { key } = await makeKey("counted");
  const infer = { operation: "infer", model, prompt: "x" };
  for (const whose of [key, key, undefined]) await submitWith(infer, whose);
  const headersOf = async (path: string, init: RequestInit = {}): Promise<Headers> => {
    const response = await queen(path, { ...init, headers: shows(key) });
    await response.body?.cancel();
    return response.headers;
  };
  const left = String(limits.open_jobs_per_key_max - 2);
  expect((await headersOf("/v1/models")).get("x-ratelimit-remaining-requests")).toBe(left);
  const told = await headersOf("/v1/messages", { method: "POST", body: "{}" });
  expect(told.get("anthropic-ratelimit-requests-limit")).toBe(String(limits.open_jobs_per_key_max));
  expect(told.get("anthropic-ratelimit-requests-remaining")).toBe(left);
  expect(Date.parse(told.get("anthropic-ratelimit-requests-reset") ?? "")).toBeLessThanOrEqual(Date.now());
});

test("what JavaScript takes for ends of lines are characters like any other", async () => {
  const text = "a\u2028b\u2029c\u0085d";
  const answering = chat();
  const { lane } = await hive.take();
  lane.send(said(text));
  lane.send(done(text, 1));
  expect(await (await answering).json()).toMatchObject({ choices: [{ message: { content: text } }] });
});

test("the same name meets the same job, and its answer [API-1]", async () => {
  const headers = { "idempotency-key": `key-${hives}` };
  const answering = chat({}, headers);
  const { op, lane } = await hive.take();
  lane.send(said("Hello"));
  lane.send(done("Hello", 1));
  const first = await answering;
  expect(first.headers.get("x-rbee-job-id")).toBe(op.job_id);
  const again = await chat({}, headers);
  expect(again.headers.get("x-rbee-job-id")).toBe(op.job_id);
  expect(await again.json()).toMatchObject({ choices: [{ message: { content: "Hello" } }] });
  const other = await chat({ temperature: 0 }, headers);
  expect(other.status).toBe(422);
});

test("what a client keeps with a response no hive sees, and a stranger's job is no response", async () => {
  const answering = queen("/v1/responses", {
    method: "POST",
    body: JSON.stringify({ model, input: "hi", instructions: "Be a bee.", metadata: { secret: "x" } }),
  });
  const { op, lane } = await hive.take();
  expect(op.input).not.toHaveProperty("note");
  lane.send(said("Hello"));
  lane.send(done("Hello", 1));
  const made: { id: string } = await (await answering).json();
  const found = await queen(`/v1/responses/${made.id}`);
  expect(await found.json()).toMatchObject({ id: made.id, metadata: { secret: "x" }, instructions: "Be a bee." });
  expect(JSON.stringify(await view(op.job_id))).not.toContain("secret");
  const plain = chat();
  const job = await hive.take();
  job.lane.send(done("", 0));
  await plain;
  expect((await queen(`/v1/responses/${job.op.job_id.replace("job_", "resp_")}`)).status).toBe(404);
});

test.each([
  ["/api/generate", { prompt: "" }, { response: "" }],
  ["/api/generate", { keep_alive: "5m" }, { response: "" }],
  ["/api/chat", { messages: [], keep_alive: -1 }, { message: { role: "assistant", content: "" } }],
])("%s with %j loads the model, and says so once it is there", async (path, asked, piece) => {
  const answering = queen(path, { method: "POST", body: JSON.stringify({ model, ...asked }) });
  const { op, lane } = await hive.take();
  const { keep_alive } = { keep_alive: undefined, ...asked };
  expect(op.input).toMatchObject({ model, max_tokens: 1 });
  expect(op.input["keep_alive"]).toBe(keep_alive === "5m" ? 300 : keep_alive);
  lane.send(done("x", 0));
  const answer = await answering;
  expect(await answer.json()).toEqual({
    model,
    created_at: expect.any(String) as string,
    ...piece,
    done: true,
    done_reason: "load",
  });
});

test("a model that cannot be loaded is not said to be", async () => {
  headersWait();
  const answering = queen("/api/generate", { method: "POST", body: JSON.stringify({ model }) });
  const { lane } = await hive.take();
  lane.send(broken(0, "insufficient_memory"));
  const answer = await answering;
  expect(answer.status).toBe(409);
  expect(await answer.json()).toEqual({ error: expect.stringContaining("the engine fell over") as string });
});

test("a part of a choice that is refused refuses all of them", async () => {
  headersWait();
  const response = await chat({ n: 2, model: "nothing" });
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({ error: { code: "model_not_found" } });
});

test("bodies that are too deep, pages of other origins", async () => {
  const deep = await chat({ metadata: JSON.parse("[".repeat(40) + "]".repeat(40)) as unknown });
  expect(deep.status).toBe(400);
  const page = await queen("/v1/models", { headers: { origin: "https://app.example" } });
  expect(page.headers.get("access-control-allow-origin")).toBe("https://app.example");
  const stranger = await queen("/v1/models", { headers: { origin: "https://evil.example" } });
  expect(stranger.headers.get("access-control-allow-origin")).toBeNull();
});
