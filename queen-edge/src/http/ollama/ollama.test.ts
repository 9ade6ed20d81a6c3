import { expect, test } from "vitest";
import { callsOf, countsOf } from "./answer.ts";
import { ChatRequest, chatInput, GenerateRequest, generateInput, modelName } from "./request.ts";

const result = {
  text: "Hello",
  finish_reason: "stop" as const,
  usage: { prompt_tokens: 5, cached_tokens: 2, completion_tokens: 3, total_tokens: 8 },
  timings: { wait_ms: 0, prompt_ms: 2, generation_ms: 4, tokens_per_s: 1 },
  model: "bee",
  hive_id: "den",
  worker_id: "worker-den-9100",
};

test("the last line's numbers are nanoseconds", () => {
  expect(countsOf(result, Date.now())).toMatchObject({
    done: true,
    done_reason: "stop",
    prompt_eval_count: 5,
    prompt_eval_duration: 2_000_000,
    eval_count: 3,
    eval_duration: 4_000_000,
  });
  expect(countsOf({ ...result, finish_reason: "length" }, 0).done_reason).toBe("length");
});

test("calls have arguments as objects", () => {
  const tool_calls = [{ id: "1", type: "function" as const, function: { name: "add", arguments: '{"a":1}' } }];
  expect(callsOf({ ...result, tool_calls })).toEqual([
    { id: "1", function: { index: 0, name: "add", arguments: { a: 1 } } },
  ]);
});

test("requests: options, formats, names with a tag, tools and their results", () => {
  const chat = (fields: object) =>
    chatInput(ChatRequest.parse({ model: "bee:latest", messages: [{ role: "user", content: "hi" }], ...fields }));
  expect(
    chat({ options: { num_predict: 7, repeat_penalty: 1.1, num_ctx: 9 }, format: "json", keep_alive: "5m" }),
  ).toMatchObject({
    model: "bee",
    max_tokens: 7,
    repeat_penalty: 1.1,
    response_format: { type: "json_object" },
  });
  expect(chat({ options: { num_predict: -1 }, format: { type: "object" } })).toMatchObject({
    max_tokens: 32_768,
    response_format: { type: "json_schema", strict: false },
  });
  const call = { function: { name: "add", arguments: { a: 1 } } };
  const messages = [
    { role: "assistant", content: "", tool_calls: [call] },
    { role: "tool", content: "2", tool_name: "add" },
  ];
  expect(chat({ messages })).toMatchObject({
    messages: [
      { tool_calls: [{ id: "call_0", function: { arguments: '{"a":1}' } }] },
      { role: "tool", tool_call_id: "call_0" },
    ],
  });
  expect(() => chat({ messages: [{ role: "user", content: "", images: ["AAAA"] }] })).toThrow("pictures");
  const generate = (fields: object) => generateInput(GenerateRequest.parse({ model: "bee", prompt: "hi", ...fields }));
  expect(generate({ system: "Be a bee." })).toMatchObject({
    messages: [{ role: "system" }, { role: "user", content: "hi" }],
  });
  expect(generate({ suffix: "!" })).toMatchObject({ prompt: "hi", suffix: "!", raw: true });
  expect(modelName("org/bee:Q4")).toBe("org/bee:Q4");
});

test("a seed of -1 is any, which others are not", () => {
  const seeded = (seed: number) =>
    generateInput(GenerateRequest.parse({ model: "bee", prompt: "hi", options: { seed } }));
  expect(seeded(-1)).not.toHaveProperty("seed");
  expect(seeded(7)).toMatchObject({ seed: 7 });
});

test.each([
  ["by its id, whatever else it says", [{ tool_call_id: "2", tool_name: "a" }, {}], ["call_1", "call_0"]],
  ["by its tool", [{ tool_name: "b" }, { tool_name: "b" }, { tool_name: "a" }], ["call_1", "call_2", "call_0"]],
  ["by its place", [{}, { tool_name: "nothing" }, { tool_call_id: "9" }], ["call_0", "call_1", "call_2"]],
  ["none is left for it", [{}, {}, {}, {}], ["call_0", "call_1", "call_2", "call_3"]],
])("what a tool said finds its call: %s", (_, results, ids) => {
  const call = (id: string, name: string) => ({ id, function: { name, arguments: {} } });
  const calling = { role: "assistant", tool_calls: [call("1", "a"), call("2", "b"), call("3", "b")] };
  const messages = [calling, ...results.map((result) => ({ role: "tool", content: "x", ...result }))];
  const input = chatInput(ChatRequest.parse({ model: "bee", messages }));
  expect((input["messages"] as { tool_call_id?: string }[]).slice(1).map((one) => one.tool_call_id)).toEqual(ids);
});
