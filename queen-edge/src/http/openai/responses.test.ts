import type { JobEvent } from "@rbee/contracts";
import { expect, test } from "vitest";
import { ResponseEvents } from "./response-events.ts";
import { inputItemsPage } from "./response-items.ts";
import {
  conversationOf,
  jobOfResponse,
  responseId,
  responseNow,
  responseObject,
  responseOfItem,
  type Said,
} from "./response-object.ts";
import { parseResponses, responsesInput } from "./responses-request.ts";

const job_id = `job_${"a".repeat(26)}`;
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
const inputOf = (fields: object) => responsesInput(parseResponses({ model: "bee", input: "hi", ...fields }), []);
const asked = { job_id, submitted_at: 1_000, input: inputOf({ instructions: "Be a bee.", metadata: { a: "b" } }) };
const token = (text: string): JobEvent => ({ type: "token", text });
const call = (text: string, tool_call: object): JobEvent => ({ type: "token", text, tool_call }) as JobEvent;
const ending = (fields: object = {}): JobEvent => ({ type: "result", result: { ...result, ...fields } });

const told: JobEvent[] = [
  token("Hel"),
  token("lo"),
  call("{", { index: 0, id: "call_1", name: "add", arguments: "" }),
  call("{}", { index: 0, arguments: "{}" }),
  ending({
    finish_reason: "tool_calls",
    tool_calls: [{ id: "call_1", type: "function", function: { name: "add", arguments: "{}" } }],
  }),
];

function eventsOf(events: readonly JobEvent[], after = -1) {
  const stream = new ResponseEvents(asked, after);
  const text = events.map((event) => stream.take(event)).join("");
  return text
    .split("\n\n")
    .filter((block) => block !== "")
    .map(
      (block) =>
        JSON.parse(/^event: .*\ndata: (.*)$/.exec(block)?.[1] ?? "") as {
          type: string;
          sequence_number: number;
          output_index?: number;
          delta?: string;
          item?: Said["output"][number];
          response?: { output: Said["output"] };
        },
    );
}

test("text and a call, in the order of OpenAI's events", () => {
  const events = eventsOf(told);
  expect(events.map(({ type }) => type.replace("response.", ""))).toEqual([
    "created",
    "in_progress",
    "output_item.added",
    "content_part.added",
    "output_text.delta",
    "output_text.delta",
    "output_text.done",
    "content_part.done",
    "output_item.done",
    "output_item.added",
    "function_call_arguments.delta",
    "function_call_arguments.done",
    "output_item.done",
    "completed",
  ]);
  expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, n) => n));
  expect(events.at(-1)).toMatchObject({
    response: {
      id: responseId(job_id),
      status: "completed",
      output: [
        { type: "message", content: [{ text: "Hello" }] },
        { type: "function_call", call_id: "call_1", arguments: "{}" },
      ],
      usage: { input_tokens: 5, input_tokens_details: { cached_tokens: 2 }, output_tokens: 3, total_tokens: 8 },
    },
  });
});

/** What a response consists of in the end, which is also what its stream has shown, a piece at a time and whole. */
function responseOf(events: ReturnType<typeof eventsOf>): { output: Said["output"] } {
  const shown: Said["output"][number][] = [];
  const done: Said["output"][number][] = [];
  const written: string[] = [];
  for (const { type, output_index: at = -1, delta = "", item } of events) {
    if (type.endsWith(".delta")) written[at] = (written[at] ?? "") + delta;
    if (item === undefined) continue;
    const items = type === "response.output_item.added" ? shown : done;
    // One after the other: each is over before the next begins.
    expect([items.length, done.length]).toEqual([at, at]);
    items.push(item);
  }
  const { output } = events.at(-1)?.response ?? expect.fail("it has no end");
  expect(done).toEqual(output);
  expect(shown.map(({ id }) => id)).toEqual(output.map(({ id }) => id));
  expect(written.map((text) => text ?? "")).toEqual(output.map(textOf));
  return { output };
}
const textOf = (item: Said["output"][number]): string | undefined =>
  "arguments" in item ? item.arguments : item.content[0]?.text;

const calling = (index: number): JobEvent[] => [
  call("{", { index, id: `call_${index}`, name: "add", arguments: "" }),
  call("{}", { index, arguments: "{}" }),
  call("}", { index }),
];

test.each([
  ["text on both sides of a call", [token("A"), ...calling(0), token("B")], ["A", "{}", "B"]],
  ["text behind a call", [...calling(0), token("\n"), token("B")], ["{}", "\nB"]],
  ["text between calls", [...calling(0), token("B"), ...calling(1)], ["{}", "B", "{}"]],
  ["space around calls", [token("\n\n"), ...calling(0), token("\n"), ...calling(1), token("\n")], ["{}", "{}"]],
  ["space in front of text", [token("\n"), token(" "), token("A")], ["\n A"]],
  ["nothing but space", [token("\n")], ["\n"]],
  ["nothing", [], [""]],
])("%s: the items that were shown are those of the answer", (_, said, texts) => {
  const { output } = responseOf(eventsOf([...said, ending()]));
  expect(output.map(textOf)).toEqual(texts);
  expect(new Set(output.map(({ id }) => id)).size).toBe(output.length);
});

test("the same job makes the same events: a stream is taken up behind any of them [API-3]", () => {
  const all = eventsOf(told);
  for (const { sequence_number } of all)
    expect(eventsOf(told, sequence_number)).toEqual(all.slice(sequence_number + 1));
});

test("a failure and a cut are told as what they are", () => {
  const cut = eventsOf([token("Hel"), ending({ finish_reason: "length" })]).at(-1);
  expect(cut).toMatchObject({
    type: "response.incomplete",
    response: { status: "incomplete", incomplete_details: { reason: "max_output_tokens" } },
  });
  const stream = new ResponseEvents(asked);
  const failed = stream.fail({
    type: "",
    title: "",
    status: 502,
    code: "hive_lost",
    detail: "gone",
    hint: "",
    retryable: true,
  });
  expect(failed).toContain('"error":{"code":"server_error","message":"gone"}');
  expect(failed).toMatch(/^event: response.created/);
});

test("a job is the response it was asked for, at any time", () => {
  const view = { job_id, operation: "infer", cancelling: false, submitted_at: 1_000, dispatches: 1 };
  const now = (fields: object, said?: Said) => responseNow(asked, { ...view, state: "running", ...fields }, said);
  expect(now({})).toMatchObject({
    status: "in_progress",
    output: [],
    usage: null,
    instructions: "Be a bee.",
    metadata: { a: "b" },
    created_at: 1,
  });
  expect(now({ state: "queued" }).status).toBe("queued");
  expect(now({ cancelling: true }).status).toBe("cancelled");
  const { output } = responseOf(eventsOf([token("Hello"), ending()]));
  expect(now({ state: "succeeded", result, finished_at: 9_000 }, { result, output })).toMatchObject({
    status: "completed",
    completed_at: 9,
    output: [{ content: [{ text: "Hello" }] }],
  });
  expect(jobOfResponse(responseId(job_id))).toBe(job_id);
  expect(jobOfResponse("resp_../../x")).toBeUndefined();
});

test("what was asked is said again, in full", () => {
  const tools = [
    {
      type: "function",
      name: "a",
      description: "A",
      parameters: { type: "object", properties: { x: {} } },
      strict: true,
    },
    {
      type: "function",
      name: "b",
      description: "B",
      parameters: { type: "object", properties: { x: {} } },
      strict: false,
    },
  ];
  const said = {
    tools,
    text: { verbosity: "low", format: { type: "text" } },
    reasoning: { effort: "low", summary: null },
    truncation: "auto",
    user: "me",
    safety_identifier: "hash",
    prompt_cache_key: "talk",
    parallel_tool_calls: false,
    max_output_tokens: 9,
  };
  const told = (fields: object) =>
    responseObject({ job_id, submitted_at: 1_000, input: inputOf(fields) }, { status: "queued" });
  expect(told({ ...said, text: { verbosity: "low" }, reasoning: { effort: "low" } })).toMatchObject(said);
  expect(told({})).toMatchObject({
    text: { format: { type: "text" } },
    reasoning: { effort: null, summary: null },
    truncation: "disabled",
    user: null,
    tools: [],
  });
});

test("items become messages: calls of a turn together, results with their call", () => {
  const { messages } = inputOf({
    input: [
      { role: "user", content: [{ type: "input_text", text: "hi" }] },
      { type: "reasoning", summary: [] },
      { type: "function_call", call_id: "1", name: "a", arguments: "{}" },
      { type: "function_call", call_id: "2", name: "b", arguments: "{}" },
      { type: "function_call_output", call_id: "1", output: "x" },
    ],
  });
  expect(messages).toMatchObject([
    { role: "user", content: "hi" },
    { role: "assistant", tool_calls: [{ id: "1" }, { id: "2" }] },
    { role: "tool", tool_call_id: "1", content: "x" },
  ]);
  expect(() => inputOf({ input: [{ type: "computer_call" }] })).toThrow("not known here");
});

test("tools: chosen, narrowed to those that are allowed, and refused where others run them", () => {
  const tools = ["a", "b"].map((name) => ({ type: "function", name }));
  const [, b] = tools;
  const allowed = { type: "allowed_tools", mode: "required", tools: [b] };
  expect(inputOf({ tools, tool_choice: b })).toMatchObject({
    tools: [{}, {}],
    tool_choice: { type: "function", function: { name: "b" } },
  });
  expect(inputOf({ tools, tool_choice: allowed })).toMatchObject({
    tools: [{ function: { name: "b" } }],
    tool_choice: "required",
    note: { tool_choice: allowed },
  });
  for (const tool_choice of [
    { type: "web_search" },
    { ...allowed, tools: [{ type: "web_search" }] },
    { ...b, name: "c" },
  ])
    expect(() => inputOf({ tools, tool_choice })).toThrow(expect.objectContaining({ param: "tool_choice" }) as Error);
});

test("a conversation goes on without the instructions of before", () => {
  expect(conversationOf(asked, result)).toEqual([
    { role: "user", content: "hi" },
    { role: "assistant", content: "Hello" },
  ]);
});

test("what was asked comes back as items, a page at a time, without what was only for it", () => {
  const calls = [{ type: "function_call", call_id: "1", name: "a", arguments: "{}" }];
  const output = { type: "function_call_output", call_id: "1", output: "x" };
  const input = inputOf({ instructions: "Be a bee.", input: [{ role: "user", content: "hi" }, ...calls, output] });
  const page = (query: Record<string, string>) => inputItemsPage({ ...asked, input }, query);
  const all = page({ order: "asc" });
  expect(all.data).toMatchObject([
    { type: "message", role: "user", content: [{ type: "input_text", text: "hi" }] },
    { type: "function_call", call_id: "1", name: "a", arguments: "{}" },
    { type: "function_call_output", call_id: "1", output: "x" },
  ]);
  expect(all).toMatchObject({ object: "list", has_more: false, first_id: all.data[0]?.id, last_id: all.data[2]?.id });
  expect(page({}).data).toEqual(all.data.toReversed());
  const first = page({ limit: "2" });
  expect(first.has_more).toBe(true);
  expect(page({ after: first.last_id ?? "" }).data).toEqual([all.data[0]]);
  expect(() => page({ limit: "0" })).toThrow("limit");
  expect(() => page({ after: "msg_none" })).toThrow("msg_none");
});

test("an item's name tells its response", () => {
  const { output } = responseOf(eventsOf(told));
  expect(output.map((item) => responseOfItem(item.id))).toEqual([responseId(job_id), responseId(job_id)]);
  expect(responseOfItem("rs_1")).toBeUndefined();
});
