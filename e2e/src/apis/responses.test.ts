import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { House } from "../house.ts";
import { openHouse } from "./models.ts";

/** OpenAI's responses, with its own client. */

let house: House;
let client: OpenAI;
beforeAll(async () => {
  house = await openHouse();
  client = new OpenAI({ baseURL: `${house.url}/v1`, apiKey: house.key, maxRetries: 0 });
});
afterAll(() => house.close());

const model = "bee-tiny";
const request = { model, input: "What do bees eat?", temperature: 0 };
const answer = "Bees eat nectar and pollen from flowers. In the winter they eat honey.";
const get_weather = {
  type: "function" as const,
  name: "get_weather",
  description: "Weather",
  strict: false,
  parameters: { type: "object", properties: { city: { type: "string", maxLength: 30 } }, required: ["city"] },
};
const endless = {
  ...request,
  text: {
    format: {
      type: "json_schema" as const,
      name: "bees",
      schema: { type: "array", items: { type: "string", minLength: 900 }, minItems: 9 },
    },
  },
};

test("a whole response, found again by its id, and forgotten", async () => {
  const made = await client.responses.create({ ...request, instructions: "Be a bee.", metadata: { a: "b" } });
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
  expect(made.usage?.total_tokens).toBe((made.usage?.input_tokens ?? 0) + (made.usage?.output_tokens ?? 0));
  const found = await client.responses.retrieve(made.id);
  expect(found).toMatchObject({ id: made.id, output: made.output, usage: made.usage });
  await client.responses.delete(made.id);
  await expect(client.responses.retrieve(made.id)).rejects.toMatchObject({ status: 404 });
});

test("events of a streamed one, in their order", async () => {
  const types: string[] = [];
  const numbers: number[] = [];
  let text = "";
  for await (const event of await client.responses.create({ ...request, stream: true })) {
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
  const final = await client.responses.stream(request).finalResponse();
  expect(final.output_text).toBe(answer);
});

test("a conversation goes on from an earlier response; its instructions do not", async () => {
  const first = await client.responses.create({ ...request, instructions: "Be a bee." });
  const second = await client.responses.create({ ...request, input: "Another one", previous_response_id: first.id });
  expect(second).toMatchObject({ previous_response_id: first.id, instructions: null });
  expect(second.usage?.input_tokens).toBeGreaterThan(first.usage?.output_tokens ?? 0);
  const gone = client.responses.create({ ...request, previous_response_id: `resp_${"a".repeat(26)}` });
  await expect(gone).rejects.toMatchObject({ status: 400, code: "previous_response_not_found" });
});

test("tools: called, answered, streamed", async () => {
  const input = "What is the weather in Paris?";
  const first = await client.responses.create({ ...request, input, tools: [get_weather] });
  const call = first.output.find((item) => item.type === "function_call") ?? expect.fail("no call");
  expect(call).toMatchObject({ name: "get_weather", status: "completed" });
  const output = {
    type: "function_call_output" as const,
    call_id: call.call_id,
    output: '{"weather":"sunny","temperature":20}',
  };
  const second = await client.responses.create({
    ...request,
    tools: [get_weather],
    previous_response_id: first.id,
    input: [output],
  });
  expect(second.output_text).toMatch(/^It is/);
  const forced = { ...request, tools: [get_weather], tool_choice: { type: "function" as const, name: "get_weather" } };
  const final = await client.responses.stream(forced).finalResponse();
  const [made] = final.output;
  expect(made?.type === "function_call" ? JSON.parse(made.arguments) : {}).toMatchObject({
    city: expect.any(String) as string,
  });
});

test("one in the background goes on by itself, and a stream of it is resumed behind any event", async () => {
  const events = [];
  const stream = await client.responses.create({ ...endless, max_output_tokens: 300, background: true, stream: true });
  for await (const event of stream) {
    events.push(event);
    if (events.length === 6) break;
  }
  const [created] = events;
  const id = created?.type === "response.created" ? created.response.id : "";
  const last = events.at(-1)?.sequence_number ?? 0;
  for await (const event of await client.responses.retrieve(id, { stream: true, starting_after: last }))
    events.push(event);
  expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, n) => n));
  expect(events.at(-1)).toMatchObject({ type: "response.incomplete" });
  const text = events.flatMap((event) => (event.type === "response.output_text.delta" ? [event.delta] : [])).join("");
  const found = await client.responses.retrieve(id);
  expect(found).toMatchObject({
    status: "incomplete",
    background: true,
    incomplete_details: { reason: "max_output_tokens" },
  });
  expect(found.output_text).toBe(text);
});

test("one in the background is polled, and cancelled", async () => {
  const made = await client.responses.create({ ...endless, background: true });
  expect(["queued", "in_progress"]).toContain(made.status);
  await expect.poll(async () => (await client.responses.retrieve(made.id)).status).toBe("in_progress");
  expect((await client.responses.cancel(made.id)).status).toBe("cancelled");
  await expect.poll(async () => (await client.responses.retrieve(made.id)).status).toBe("cancelled");
});

test("errors", async () => {
  await expect(client.responses.create({ ...request, model: "nothing" })).rejects.toMatchObject({
    code: "model_not_found",
  });
  const long = "bee ".repeat(20_000);
  await expect(client.responses.create({ ...request, input: long })).rejects.toMatchObject({
    code: "context_length_exceeded",
  });
  await expect(client.responses.create({ ...request, input: long, stream: true })).rejects.toMatchObject({
    status: 400,
  });
});
