import type { Generation } from "@rbee/contracts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventOf, piece, startApi, streaming, type TestApi } from "./testing-api.ts";
import { collect, failureOf, generationOf, never, newId, testHive, type TestHive } from "./testing.ts";

/** Workers of kind openai: attached to a server that is not ours. */

let hive: TestHive;
let api: TestApi;
let worker: string;
beforeAll(async () => {
  api = await startApi(["bees", "org/wasps:7b"]);
  hive = await testHive();
  worker = (await attach({})).worker_id;
});
afterAll(async () => {
  await hive.end();
  await api.close();
});

const attach = async (fields: { model?: string; url?: string }) =>
  hive.supervisor.spawn(
    { kind: "openai", model: "bees", url: `${api.url}/v1`, slots: 2, ...fields },
    { signal: never },
  );
const start = (fields: Partial<Generation>, signal = never) =>
  hive.supervisor.generate(worker, { id: newId(), generation: generationOf(fields) }, signal);
const ask = async (fields: Partial<Generation> = {}) => collect(start({ prompt: "What do bees eat?", ...fields }));

test("a chat is passed on whole, and so is the answer", async () => {
  const messages = [{ role: "user" as const, content: "What do bees eat?" }];
  const answer = await ask({ prompt: undefined, messages, max_tokens: 7, stop: ["."], seed: 1 });
  expect(answer).toMatchObject({ text: "Bees eat nectar.", finish_reason: "stop" });
  expect(answer.usage).toEqual({ prompt_tokens: 5, cached_tokens: 2, completion_tokens: 3, total_tokens: 8 });
  expect(api.asked.at(-1)).toMatchObject({
    path: "/v1/chat/completions",
    body: { model: "bees", messages, max_tokens: 7, stop: ["."], seed: 1, temperature: 0, stream: true },
  });
});

test("a prompt is a question, a raw one is a text to go on with", async () => {
  await ask();
  expect(api.asked.at(-1)).toMatchObject({ body: { messages: [{ role: "user", content: "What do bees eat?" }] } });
  await ask({ raw: true });
  expect(api.asked.at(-1)).toMatchObject({ path: "/v1/completions", body: { prompt: "What do bees eat?" } });
});

test("an answer that another worker began is gone on with, and not said again", async () => {
  const call = { id: newId(), generation: generationOf({ prompt: "What do bees eat?" }), resume: ["Well, ", "bees "] };
  await collect(hive.supervisor.generate(worker, call, never));
  expect(api.asked.at(-1)).toMatchObject({
    body: {
      messages: [{ role: "user" }, { role: "assistant", content: "Well, bees " }],
      continue_final_message: true,
      add_generation_prompt: false,
    },
  });
  await ask();
  expect(api.asked.at(-1)?.body).not.toHaveProperty("continue_final_message");
});

test("a schema is passed on", async () => {
  const schema = { type: "object" };
  await ask({ response_format: { type: "json_schema", schema } });
  expect(api.asked.at(-1)?.body["response_format"]).toEqual({
    type: "json_schema",
    json_schema: { name: "answer", schema, strict: true },
  });
});

test("a server that does not count, and one that cuts characters in half", async () => {
  api.answers.push(streaming(piece("a \uD83D"), piece("\uDC1D!"), piece("", "length")));
  const answer = await ask();
  expect(answer).toMatchObject({ text: "a 🐝!", finish_reason: "length" });
  expect(answer.frames.every((frame) => frame.isWellFormed())).toBe(true);
  expect(answer.usage).toMatchObject({ prompt_tokens: 0, completion_tokens: 2 });
});

test("cancel leaves the server's answer", async () => {
  api.answers.push((response) => void response.writeHead(200).write(eventOf(piece("one"))));
  const cancel = new AbortController();
  const stream = start({ prompt: "x" }, cancel.signal);
  expect((await stream.next()).value).toBe("one");
  cancel.abort(new Error("not now"));
  expect((await failureOf(collect(stream))).message).toBe("not now");
  await api.left();
});

test("a server that goes on after max_tokens is left", async () => {
  api.answers.push((response) => {
    response.writeHead(200);
    const pour = () => {
      while (!response.closed && response.write(eventOf(piece("bee ")))) continue;
      if (!response.closed) response.once("drain", pour);
    };
    pour();
  });
  const answer = await ask({ max_tokens: 4 });
  expect(answer).toMatchObject({ text: "bee ".repeat(4), finish_reason: "length" });
  await api.left();
});

describe("a server that misbehaves fails the request, and only that", () => {
  const refusing =
    (status: number, message: string, type = "x") =>
    (response: import("node:http").ServerResponse) =>
      void response
        .writeHead(status, { location: "http://127.0.0.1:1/" })
        .end(JSON.stringify({ error: { message, type } }));

  test.each([
    [
      "breaks off",
      (response) => response.writeHead(200).write(eventOf(piece("one")), () => response.destroy()),
      "worker_died",
    ],
    ["ends without an end", (response) => response.writeHead(200).end(eventOf(piece("one"))), "worker_died"],
    ["says an error in the stream", streaming(piece("one"), { error: { message: "out of honey" } }), "internal"],
    ["sends no JSON", (response) => response.writeHead(200).end("data: honey\n\n"), "internal"],
    ["sends other JSON", streaming({ choices: "none" }), "internal"],
    [
      "sends an event without an end",
      (response) => response.writeHead(200).end(`data: ${"x".repeat(3_000_000)}`),
      "internal",
    ],
    ["refuses for the context", refusing(400, "too long", "exceed_context_size_error"), "context_length_exceeded"],
    ["is busy", refusing(503, "no slot"), "worker_busy"],
    ["sends elsewhere", refusing(302, "over there"), "unsupported"],
    ["breaks", refusing(500, "ouch"), "internal"],
  ] as const satisfies readonly (readonly [string, TestApi["answers"][number], string])[])(
    "%s",
    async (_, answering, code) => {
      api.answers.push(answering);
      expect(await failureOf(ask())).toMatchObject({ code });
      expect((await ask()).text).toBe("Bees eat nectar.");
      expect(hive.supervisor.get(worker)?.state).toBe("ready");
    },
  );
});

test("a model that the server does not serve is refused with what it serves", async () => {
  const failed = await failureOf(attach({ model: "hornets" }));
  expect(failed.message).toContain("does not serve hornets; it serves bees, org/wasps:7b");
});

test("[WORK-6] stopping the worker leaves the server alone; a model may be called as the server calls it", async () => {
  const other = await attach({ model: "org/wasps:7b" });
  expect(other).toMatchObject({ kind: "openai", model: "org/wasps:7b", device: "remote", state: "ready" });
  await hive.supervisor.stop(other.pid);
  expect((await fetch(`${api.url}/v1/models`)).ok).toBe(true);
});

test.each([
  ["http://10.0.0.1/v1", "10.0.0.1"],
  ["http://169.254.169.254/latest", "169.254.169.254"],
  ["http://127.0.0.1.evil.example/v1", "evil.example"],
  ["http://user:secret@127.0.0.1/v1", "password"],
])("[WORK-6] %s is refused", async (url, word) => {
  const failed = await failureOf(attach({ url }));
  expect(failed).toMatchObject({ code: "address_refused" });
  expect(failed.message).toContain(word);
});
