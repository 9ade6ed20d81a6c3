import type { JobEvent } from "@rbee/contracts";
import { expect, test } from "vitest";
import { ChatChunks, completion, usageChunk } from "./chat-answer.ts";
import { chatInput, parseChat } from "./chat-request.ts";
import { BadRequest } from "./errors.ts";

const usage = { prompt_tokens: 5, cached_tokens: 2, completion_tokens: 3, total_tokens: 8 };
const result = {
  text: "Hello",
  finish_reason: "stop" as const,
  usage,
  timings: { wait_ms: 0, prompt_ms: 1, generation_ms: 1, tokens_per_s: 1 },
  model: "bee",
  hive_id: "den",
  worker_id: "worker-den-9100",
};
const answering = { id: "chatcmpl-1", created: 1, model: "bee", logprobs: false, forced: false };
const token = (text: string): JobEvent => ({ type: "token", text });
const part = (text: string, tool_call: object): JobEvent => ({ type: "token", text, tool_call }) as JobEvent;
const ending = (fields: object = {}): JobEvent => ({ type: "result", result: { ...result, ...fields } });

function chunksOf(
  events: readonly JobEvent[],
  includeUsage = false,
): { choices: Record<string, unknown>[]; usage?: null }[] {
  const chunks = new ChatChunks(answering, { index: 0, includeUsage });
  const text = events.map((event) => chunks.take(event)).join("");
  return text
    .split("\n\n")
    .filter((block) => block !== "")
    .map((block) => JSON.parse(block.slice("data: ".length)) as { choices: Record<string, unknown>[] });
}

test("a text is: role, pieces, end", () => {
  const chunks = chunksOf([{ type: "state", state: "queued" }, token("Hel"), token("lo"), ending()]);
  expect(chunks.map(({ choices }) => choices[0])).toEqual([
    { index: 0, delta: { role: "assistant", content: "", refusal: null }, logprobs: null, finish_reason: null },
    { index: 0, delta: { content: "Hel" }, logprobs: null, finish_reason: null },
    { index: 0, delta: { content: "lo" }, logprobs: null, finish_reason: null },
    { index: 0, delta: {}, logprobs: null, finish_reason: "stop" },
  ]);
  expect(chunks[0]).not.toHaveProperty("usage");
  expect(chunksOf([ending()], true).every((chunk) => chunk.usage === null)).toBe(true);
});

test("a call is: role, id and name, arguments, end; what is around it is not told", () => {
  const chunks = chunksOf([
    part("<tool_call>", { index: 0 }),
    part('{"name": "add", "arguments": ', { index: 0, id: "call_1", name: "add", arguments: "" }),
    part('{"a":1}', { index: 0, arguments: '{"a":1}' }),
    ending({ finish_reason: "tool_calls" }),
  ]);
  expect(chunks.map(({ choices }) => choices[0]?.["delta"])).toEqual([
    { role: "assistant", content: null, refusal: null },
    { tool_calls: [{ index: 0, id: "call_1", type: "function", function: { name: "add", arguments: "" } }] },
    { tool_calls: [{ index: 0, function: { arguments: '{"a":1}' } }] },
    {},
  ]);
  expect(chunks.at(-1)?.choices[0]?.["finish_reason"]).toBe("tool_calls");
});

test("a call that was forced by name ends as OpenAI ends it: the model had no say in it", () => {
  const forced = new ChatChunks({ ...answering, forced: true }, { index: 0, includeUsage: false });
  expect(forced.take(ending({ finish_reason: "tool_calls" }))).toContain('"finish_reason":"stop"');
  const called = { result: { ...result, finish_reason: "tool_calls" as const }, logprobs: [] };
  expect(completion({ ...answering, forced: true }, [called], usage).choices[0]?.finish_reason).toBe("stop");
  const cut = { result: { ...result, finish_reason: "length" as const }, logprobs: [] };
  expect(completion({ ...answering, forced: true }, [cut], usage).choices[0]?.finish_reason).toBe("length");
});

test("the whole answer has every field, and null where there is nothing", () => {
  const tool_calls = [{ id: "call_1", type: "function" as const, function: { name: "add", arguments: "{}" } }];
  const calling = { ...result, text: "", tool_calls, finish_reason: "tool_calls" as const };
  const whole = completion(
    answering,
    [
      { result, logprobs: [] },
      { result: calling, logprobs: [] },
    ],
    usage,
  );
  expect(whole).toMatchObject({
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1,
    service_tier: "default",
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: "Hello", refusal: null },
        logprobs: null,
        finish_reason: "stop",
      },
      { index: 1, message: { content: null, tool_calls }, finish_reason: "tool_calls" },
    ],
    usage: { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8, prompt_tokens_details: { cached_tokens: 2 } },
  });
  expect(whole.choices[0]?.message).not.toHaveProperty("tool_calls");
  expect(usageChunk(answering, usage)).toContain('"choices":[],"usage":{"prompt_tokens":5');
});

const base = { model: "bee", messages: [{ role: "user", content: "hi" }] };
const input = (fields: object, choice = 0) => chatInput(parseChat({ ...base, ...fields }), choice);

test("what is asked becomes the operation's input; null and unknown fields are as good as none", () => {
  expect(input({ temperature: null, stop: null, n: null, unheard_of: 1 })).toEqual({
    model: "bee",
    messages: [{ role: "user", content: "hi" }],
    max_tokens: 32_768,
    temperature: 1,
    top_p: 1,
    stop: [],
  });
  expect(input({ max_tokens: 5, max_completion_tokens: 9, stop: ["a", ""] })).toMatchObject({
    max_tokens: 9,
    stop: ["a"],
  });
  expect(input({ seed: -1 })).toMatchObject({ seed: 4_294_967_295 });
  expect(input({ seed: 7 }, 2)).toMatchObject({ seed: 9 });
  expect(input({ logprobs: true })).toMatchObject({ logprobs: 0 });
  expect(input({ max_tokens: 1_000_000, top_p: 0 })).toMatchObject({ max_tokens: 32_768, top_p: Number.EPSILON });
  const schema = { type: "object" };
  const format = (strict?: boolean) => ({
    response_format: { type: "json_schema", json_schema: { name: "x", schema, strict } },
  });
  expect(input(format(true))).toMatchObject({ response_format: { type: "json_schema", schema } });
  expect(input(format())).toMatchObject({ response_format: { strict: false } });
});

test("tools: offered, chosen, and narrowed to those that are allowed", () => {
  const tool = (name: string) => ({
    type: "function",
    function: { name, strict: true, parameters: { type: "object" } },
  });
  const tools = [tool("a"), tool("b")];
  expect(input({ tools, tool_choice: "required" })).toMatchObject({ tool_choice: "required", tools: [{}, {}] });
  const named = { type: "function", function: { name: "b" } };
  expect(input({ tools, tool_choice: named })).toMatchObject({ tool_choice: named, tools: [{}, {}] });
  const allowed = { type: "allowed_tools", allowed_tools: { mode: "auto", tools: [named] } };
  expect(input({ tools, tool_choice: allowed })).toMatchObject({
    tool_choice: "auto",
    tools: [{ function: { name: "b" } }],
  });
  expect(input({ tools: [] })).not.toHaveProperty("tools");
});

test.each([
  [{ messages: [] }, "messages", "array_below_min_length"],
  [{ messages: undefined }, "messages", "missing_required_parameter"],
  [{ messages: [{ role: "robot", content: "" }] }, "messages[0].role", "invalid_value"],
  [{ messages: [{ role: "user", content: null }] }, "messages[0].content", "invalid_value"],
  [
    { messages: [{ role: "user", content: [{ type: "image_url" }] }] },
    "messages.[0].content.[0].type",
    "unsupported_content_type",
  ],
  [{ temperature: 2.5 }, "temperature", "decimal_above_max_value"],
  [{ temperature: "hot" }, "temperature", "invalid_type"],
  [{ n: 0 }, "n", "integer_below_min_value"],
  [{ top_logprobs: 2 }, "top_logprobs", null],
  [{ stream_options: {} }, "stream_options", null],
  [{ functions: [{ name: "a" }] }, "functions", "unsupported_parameter"],
  [{ function_call: "auto" }, "function_call", "unsupported_parameter"],
  [{ tool_choice: { type: "function", function: { name: "a" } } }, "tool_choice", null],
])("%j is refused by name", (fields, param, code) => {
  expect(() => input(fields)).toThrow(BadRequest);
  expect(() => input(fields)).toThrow(expect.objectContaining({ param, code }) as Error);
});

test.each([
  ["left out", undefined, { type: "object", properties: {}, additionalProperties: false }],
  ["none", { type: "object", properties: {} }, { type: "object", properties: {}, additionalProperties: false }],
  ["any", { additionalProperties: true }, { type: "object", properties: {}, additionalProperties: true }],
  ["elsewhere", { $ref: "#/$defs/A" }, { type: "object", properties: {}, $ref: "#/$defs/A" }],
  ["some", { properties: { a: {} } }, { type: "object", properties: { a: {} } }],
])("a tool's parameters, %s: templates find a list, and only what was named can be said", (_, parameters, told) => {
  const { tools } = input({ tools: [{ type: "function", function: { name: "now", parameters } }] });
  expect(tools).toEqual([{ type: "function", function: { name: "now", parameters: told } }]);
});

test("seeds of 64 bits, likelihoods of more words than there are", () => {
  expect(input({ seed: 2 ** 63 })["seed"]).toBe(0);
  expect(input({ top_k: 100_000 })["top_k"]).toBe(1_000);
  expect(() => input({ seed: 1.5 })).toThrow("it must be an integer");
});
