import { limits } from "@rbee/contracts";
import { expect } from "vitest";
import { answer, long, model, ofCity, question, test, tooLong } from "./testing.ts";

/** OpenAI's responses, with its own client. */

const request = { model, input: question, temperature: 0 };
const get_weather = {
  type: "function" as const,
  name: "get_weather",
  description: "Weather",
  strict: false,
  parameters: ofCity,
};
const endless = {
  ...request,
  text: {
    format: {
      type: "json_schema" as const,
      name: "bees",
      schema: long,
    },
  },
};

test("a whole response, found again by its id, and forgotten", async ({ openai }) => {
  const made = await openai.responses.create({ ...request, instructions: "Be a bee.", metadata: { a: "b" } });
  expect(made).toMatchObject({
    object: "response",
    status: "completed",
    model,
    instructions: "Be a bee.",
    metadata: { a: "b" },
    error: null,
    incomplete_details: null,
    output: [
      { type: "message", role: "assistant", status: "completed", content: [{ type: "output_text", annotations: [] }] },
    ],
  });
  expect(made.output_text.length).toBeGreaterThan(5);
  const counted = await openai.responses.inputTokens.count({ model, input: question, instructions: "Be a bee." });
  expect(counted).toEqual({ object: "response.input_tokens", input_tokens: made.usage?.input_tokens });
  expect(made.usage?.total_tokens).toBe((made.usage?.input_tokens ?? 0) + (made.usage?.output_tokens ?? 0));
  const found = await openai.responses.retrieve(made.id);
  expect(found).toMatchObject({ id: made.id, output: made.output, usage: made.usage });
  await openai.responses.delete(made.id);
  await expect(openai.responses.retrieve(made.id)).rejects.toMatchObject({ status: 404 });
});

test("events of a streamed one, in their order", async ({ openai }) => {
  const types: string[] = [];
  const numbers: number[] = [];
  let text = "";
  for await (const event of await openai.responses.create({ ...request, stream: true })) {
    if (types.at(-1) !== event.type) types.push(event.type);
    numbers.push(event.sequence_number);
    if (event.type === "response.output_text.delta") text += event.delta;
    if (event.type === "response.completed")
      expect(event.response.output[0]).toMatchObject({
        type: "message",
        content: [{ type: "output_text", text: answer }],
      });
  }
  expect(text).toBe(answer);
  expect(numbers).toEqual(numbers.map((_, n) => n));
  expect(types).toEqual([
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
  ]);
  const final = await openai.responses.stream(request).finalResponse();
  expect(final.output_text).toBe(answer);
});

test("what a response was asked, and items that are only named", async ({ openai }) => {
  const first = await openai.responses.create(request);
  const { id } = first.output[0] ?? expect.fail("no output");
  const named = [
    { role: "user" as const, content: question },
    { type: "item_reference" as const, id: id ?? "" },
    { role: "user" as const, content: "Another one" },
  ];
  const second = await openai.responses.create({ ...request, input: named });
  const texts: unknown[] = [];
  for await (const item of openai.responses.inputItems.list(second.id, { order: "asc", limit: 2 }))
    texts.push(item.type === "message" && item.content[0]);
  expect(texts).toMatchObject([{ text: question }, { text: first.output_text }, { text: "Another one" }]);
  const nobodys = openai.responses.create({ ...request, input: [{ type: "item_reference", id: "msg_1" }] });
  await expect(nobodys).rejects.toMatchObject({ status: 400, param: "input[0].id" });
  await expect(openai.responses.create({ ...request, input: [] })).rejects.toMatchObject({
    status: 400,
    param: "input",
  });
});

test("items are taken from so many responses and no more", async ({ openai }) => {
  const short = { ...request, max_output_tokens: 16 };
  const all = Array.from({ length: limits.api_references_max + 1 }, () => openai.responses.create(short));
  const input = (await Promise.all(all)).map(({ output }) => ({
    type: "item_reference" as const,
    id: output[0]?.id ?? "",
  }));
  expect((await openai.responses.create({ ...short, input: input.slice(1) })).error).toBeNull();
  const tooMany = openai.responses.create({ ...short, input });
  await expect(tooMany).rejects.toMatchObject({ status: 400, param: `input[${limits.api_references_max}].id` });
});

test("a conversation goes on from an earlier response; its instructions do not", async ({ openai }) => {
  const first = await openai.responses.create({ ...request, instructions: "Be a bee." });
  const second = await openai.responses.create({ ...request, input: "Another one", previous_response_id: first.id });
  expect(second).toMatchObject({ previous_response_id: first.id, instructions: null });
  expect(second.usage?.input_tokens).toBeGreaterThan(first.usage?.output_tokens ?? 0);
  const gone = openai.responses.create({ ...request, previous_response_id: `resp_${"a".repeat(26)}` });
  await expect(gone).rejects.toMatchObject({ status: 400, code: "previous_response_not_found" });
});

test("tools: called, answered, streamed", async ({ openai }) => {
  const input = "What is the weather in Paris?";
  const first = await openai.responses.create({ ...request, input, tools: [get_weather] });
  const call = first.output.find((item) => item.type === "function_call") ?? expect.fail("no call");
  expect(call).toMatchObject({ name: "get_weather", status: "completed" });
  const output = {
    type: "function_call_output" as const,
    call_id: call.call_id,
    output: '{"weather":"sunny","temperature":20}',
  };
  const second = await openai.responses.create({
    ...request,
    tools: [get_weather],
    previous_response_id: first.id,
    input: [output],
  });
  expect(second.output_text).toMatch(/^It is/);
  const forced = { ...request, tools: [get_weather], tool_choice: { type: "function" as const, name: "get_weather" } };
  const final = await openai.responses.stream(forced).finalResponse();
  const [made] = final.output;
  expect(made?.type === "function_call" ? JSON.parse(made.arguments) : {}).toMatchObject({
    city: expect.any(String) as string,
  });
});

test("one in the background goes on by itself, and a stream of it is resumed behind any event", async ({ openai }) => {
  const events = [];
  const stream = await openai.responses.create({ ...endless, max_output_tokens: 300, background: true, stream: true });
  for await (const event of stream) {
    events.push(event);
    if (events.length === 6) break;
  }
  const [created] = events;
  const id = created?.type === "response.created" ? created.response.id : "";
  const last = events.at(-1)?.sequence_number ?? 0;
  for await (const event of await openai.responses.retrieve(id, { stream: true, starting_after: last }))
    events.push(event);
  expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, n) => n));
  expect(events.at(-1)).toMatchObject({ type: "response.incomplete" });
  const text = events.flatMap((event) => (event.type === "response.output_text.delta" ? [event.delta] : [])).join("");
  const found = await openai.responses.retrieve(id);
  expect(found).toMatchObject({
    status: "incomplete",
    background: true,
    incomplete_details: { reason: "max_output_tokens" },
  });
  expect(found.output_text).toBe(text);
});

test("one in the background is polled, and cancelled", async ({ openai }) => {
  const made = await openai.responses.create({ ...endless, background: true });
  expect(["queued", "in_progress"]).toContain(made.status);
  await expect.poll(async () => (await openai.responses.retrieve(made.id)).status).toBe("in_progress");
  expect((await openai.responses.cancel(made.id)).status).toBe("cancelled");
  await expect.poll(async () => (await openai.responses.retrieve(made.id)).status).toBe("cancelled");
});

test("errors", async ({ openai }) => {
  await expect(openai.responses.create({ ...request, model: "nothing" })).rejects.toMatchObject({
    code: "model_not_found",
  });
  await expect(openai.responses.create({ ...request, input: tooLong })).rejects.toMatchObject({
    code: "context_length_exceeded",
  });
  await expect(openai.responses.create({ ...request, input: tooLong, stream: true })).rejects.toMatchObject({
    status: 400,
  });
});
