import type { JobEvent } from "@rbee/contracts";
import { expect, test } from "vitest";
import { message, MessageEvents } from "./answer.ts";
import { messagesInput, parseMessages } from "./request.ts";

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
const calls = [{ id: "call_1", type: "function" as const, function: { name: "add", arguments: '{"a":1}' } }];

test("an answer: blocks, why it ended, what it cost", () => {
  expect(message("job_x", "bee", result)).toEqual({
    id: "msg_x",
    type: "message",
    role: "assistant",
    model: "bee",
    content: [{ type: "text", text: "Hello" }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: {
      input_tokens: 3,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 2,
      output_tokens: 3,
      service_tier: "standard",
    },
  });
  expect(message("job_x", "bee", { ...result, stop: "END" })).toMatchObject({
    stop_reason: "stop_sequence",
    stop_sequence: "END",
  });
  expect(message("job_x", "bee", { ...result, finish_reason: "length" }).stop_reason).toBe("max_tokens");
  expect(
    message("job_x", "bee", { ...result, text: "", tool_calls: calls, finish_reason: "tool_calls" }),
  ).toMatchObject({
    content: [{ type: "tool_use", id: "toolu_1", name: "add", input: { a: 1 } }],
    stop_reason: "tool_use",
  });
});

test("a streamed answer: each block begins, grows and ends", () => {
  const events = new MessageEvents("job_x", "bee");
  const told: JobEvent[] = [
    { type: "token", text: "Hello", prompt: { tokens: 5, cached_tokens: 2 } },
    { type: "token", text: "<tool_call>", tool_call: { index: 0 } },
    { type: "token", text: "{", tool_call: { index: 0, id: "call_1", name: "add", arguments: "" } },
    { type: "token", text: '{"a":1}', tool_call: { index: 0, arguments: '{"a":1}' } },
    { type: "result", result: { ...result, tool_calls: calls, finish_reason: "tool_calls" } },
  ];
  const text = told.map((event) => events.take(event)).join("");
  expect(text.split("\n\n")[0]).toContain(
    '"usage":{"input_tokens":3,"cache_creation_input_tokens":0,"cache_read_input_tokens":2',
  );
  expect([...text.matchAll(/^event: (.*)$/gm)].map(([, type]) => type)).toEqual([
    "message_start",
    "ping",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
  ]);
  expect(text).toContain('"delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":3');
});

const input = (fields: object) =>
  messagesInput(parseMessages({ model: "bee", max_tokens: 9, messages: [{ role: "user", content: "hi" }], ...fields }));

test("requests: system, blocks, results in front of what is said with them, tools", () => {
  const { messages, max_tokens, tools, tool_choice, parallel_tool_calls } = input({
    system: [{ type: "text", text: "Be a bee." }],
    messages: [
      { role: "user", content: "hi" },
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "…" },
          { type: "tool_use", id: "toolu_1", name: "add", input: { a: 1 } },
        ],
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "toolu_1", content: [{ type: "text", text: "2" }] },
          { type: "text", text: "Well?" },
        ],
      },
    ],
    tools: [
      { name: "add", input_schema: { type: "object" } },
      { type: "web_search_20250305", name: "web_search" },
    ],
    tool_choice: { type: "any", disable_parallel_tool_use: true },
  });
  expect(messages).toEqual([
    { role: "system", content: "Be a bee." },
    { role: "user", content: "hi" },
    {
      role: "assistant",
      content: "",
      tool_calls: [{ id: "toolu_1", type: "function", function: { name: "add", arguments: '{"a":1}' } }],
    },
    { role: "tool", tool_call_id: "toolu_1", content: "2" },
    { role: "user", content: "Well?" },
  ]);
  expect({ max_tokens, tools, tool_choice, parallel_tool_calls }).toMatchObject({
    max_tokens: 9,
    tools: [{ function: { name: "add" } }],
    tool_choice: "required",
    parallel_tool_calls: false,
  });
  expect(() => input({ messages: [{ role: "user", content: [{ type: "image", source: {} }] }] })).toThrow("only text");
  expect(() => input({ max_tokens: undefined })).toThrow("max_tokens");
});
