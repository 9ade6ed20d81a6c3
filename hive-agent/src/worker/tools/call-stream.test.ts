import { expect, test } from "vitest";
import type { Piece } from "@rbee/contracts";
import { COMMON_FORMAT, formatOf, type CallFormat } from "./call-format.ts";
import { CallStream } from "./call-stream.ts";

const bare: CallFormat = { before: "", after: "", nameKey: "name", argumentsKey: "arguments" };
const names = new Set(["add", "get_time"]);

/** What a reader makes of a text that comes in pieces of so many characters. */
function read(text: string, options: { format: CallFormat; forced?: boolean; most?: number; step?: number }) {
  const { format, forced = false, most = 9, step = 1 } = options;
  const stream = new CallStream({ format, names, forced, most });
  const pieces: Piece[] = [];
  for (let at = 0; at < text.length && !stream.over; at += step) pieces.push(...stream.push(text.slice(at, at + step)));
  pieces.push(...stream.end());
  const calls: { name: string; arguments: string }[] = [];
  let content = "";
  let raw = "";
  for (const piece of pieces) {
    raw += typeof piece === "string" ? piece : piece.text;
    if (typeof piece === "string") content += piece;
    else if (piece.tool_call?.name !== undefined)
      calls.push({ name: piece.tool_call.name, arguments: piece.tool_call.arguments ?? "" });
    else if (piece.tool_call?.arguments !== undefined) {
      const call = calls[piece.tool_call.index];
      if (call !== undefined) call.arguments += piece.tool_call.arguments;
    }
  }
  return { content, calls, raw };
}

const steps = [1, 3, 1_000];
const call = '{"name": "add", "arguments": {"a": 1, "s": "}{\\"<"}}';
const args = '{"a": 1, "s": "}{\\"<"}';

test.each(steps)("text with marked calls, %i characters at a time", (step) => {
  const text = `Let me see.\n<tool_call>\n${call}\n</tool_call>\n<tool_call>\n{"name":"get_time"}\n</tool_call>`;
  const { content, calls, raw } = read(text, { format: COMMON_FORMAT, step });
  expect(content).toBe("Let me see.\n");
  expect(calls).toEqual([
    { name: "add", arguments: args },
    { name: "get_time", arguments: "{}" },
  ]);
  expect(raw).toBe(text);
});

test.each(steps)("an answer that is a bare call, %i characters at a time", (step) => {
  expect(read(` ${call}`, { format: bare, step })).toMatchObject({
    content: "",
    calls: [{ name: "add", arguments: args }],
  });
});

test.each([
  ['{"answer": 1}', bare],
  ['{"name": "nobody", "arguments": {}}', bare],
  ["a < b, and <tool> is no call", COMMON_FORMAT],
  ['It is {"name": "add"}', bare],
  ['{"name', bare],
  ["  \n", bare],
] as const)("%j is text", (text, format) => {
  for (const step of steps) expect(read(text, { format, step })).toEqual({ content: text, calls: [], raw: text });
});

test("a call that was asked for ends the answer, and nothing follows it", () => {
  const { calls, content } = read(`${call}{"name": "add", "arguments": {}} and so on`, {
    format: bare,
    forced: true,
    most: 1,
  });
  expect(calls).toEqual([{ name: "add", arguments: args }]);
  expect(content).toBe("");
});

test("calls that were asked for may be several, and end where something else begins", () => {
  const { calls, content } = read(`${call} ${call}and so on`, { format: bare, forced: true });
  expect(calls.length).toBe(2);
  expect(content).toBe("");
});

test.each([
  [
    '<tool_call>\n{"name": "rbee_sample", "arguments": {"rbee_key": 1}}\n</tool_call><|im_end|>\n',
    { before: "<tool_call>\n", after: "\n</tool_call><|im_end|>\n", nameKey: "name", argumentsKey: "arguments" },
  ],
  [
    '{"name": "rbee_sample", "parameters": {"rbee_key": 1}}<|eot_id|>',
    { before: "", after: "<|eot_id|>", nameKey: "name", argumentsKey: "parameters" },
  ],
  [
    '[TOOL_CALLS][{"name": "rbee_sample", "arguments": {"rbee_key": 1}, "id": "x"}]</s>',
    { before: "[TOOL_CALLS][", after: "]</s>", nameKey: "name", argumentsKey: "arguments" },
  ],
  ["<function=rbee_sample><parameter=rbee_key>1</parameter></function>", undefined],
  ["", undefined],
])("the format of %s", (rendered, format) => {
  expect(formatOf(rendered)).toEqual(format);
});
