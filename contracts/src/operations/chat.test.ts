import { expect, test } from "vitest";
import { parseInput } from "../submission.ts";

const infer = (fields: object) => parseInput("infer", { model: "bee", ...fields });
const ask = [{ role: "user", content: "hi" }];
const tools = [{ type: "function", function: { name: "add", parameters: { type: "object" } } }];
const call = { id: "1", type: "function", function: { name: "add", arguments: "{}" } };

test("content is text, in one piece or in parts; a call needs none", () => {
  const messages = [
    {
      role: "developer",
      content: [
        { type: "text", text: "a" },
        { type: "input_text", text: "b" },
      ],
    },
    { role: "assistant", content: null, tool_calls: [call] },
    { role: "tool", content: "2", tool_call_id: "1" },
  ];
  expect(infer({ messages })["messages"]).toEqual([
    { role: "developer", content: "ab" },
    { role: "assistant", content: "", tool_calls: [call] },
    { role: "tool", content: "2", tool_call_id: "1" },
  ]);
});

test("a plain request is what it was before there were tools: hives a version behind take it", () => {
  const plain = infer({ messages: ask });
  for (const field of ["tools", "tool_choice", "logprobs", "frequency_penalty", "suffix", "note"])
    expect(plain).not.toHaveProperty(field);
});

test.each([
  [{ messages: [{ role: "user", content: [{ type: "image_url", image_url: {} }] }] }, "no model here sees pictures"],
  [{ messages: [{ role: "user", content: "", tool_calls: [call] }] }, "only the assistant calls tools"],
  [{ messages: ask, tool_choice: "required" }, "needs `tools`"],
  [{ messages: ask, tools, tool_choice: { type: "function", function: { name: "subtract" } } }, "needs `tools`"],
  [{ messages: ask, tools: [{ type: "function", function: { name: "a b" } }] }, "a tool's name"],
  [{ messages: ask, tools, on_lost: "continue" }, "cannot be continued elsewhere"],
  [{ prompt: "hi", tools }, "go with `messages`"],
  [{ prompt: "hi", suffix: "!" }, "goes with a raw `prompt`"],
  [{ messages: ask, logprobs: 21 }, "logprobs"],
])("%j is refused with a reason", (fields, reason) => {
  expect(() => infer(fields)).toThrow(reason);
});

test("texts to embed are a list, also a single one", () => {
  expect(parseInput("embed", { model: "bee", input: "a" })["input"]).toEqual(["a"]);
  expect(() => parseInput("embed", { model: "bee", input: [] })).toThrow("input");
  expect(() => parseInput("embed", { model: "bee", input: [""] })).toThrow("input");
});
