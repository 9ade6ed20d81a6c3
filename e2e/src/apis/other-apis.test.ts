import Anthropic from "@anthropic-ai/sdk";
import { Ollama } from "ollama";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { House } from "../house.ts";
import { stopsInTime } from "./engines.ts";
import { cosine, hasMiniLm, openHouse, published, sentences, whyNot } from "./models.ts";

/** Anthropic's and Ollama's own clients, unmodified. */

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.close());

const model = "bee-tiny";
const embedder = "all-MiniLM-L6-v2";
const question = "What do bees eat?";
const answer = "Bees eat nectar and pollen from flowers. In the winter they eat honey.";
const Bee = z.object({ name: z.string().max(20), role: z.enum(["queen", "drone", "worker"]), age: z.int() });

/** A schema whose answer takes long. */
const long = { type: "array", items: { type: "string", minLength: 900 }, minItems: 9 };

describe("Anthropic's client", () => {
  const client = () => new Anthropic({ baseURL: house.url, apiKey: house.key, maxRetries: 0 });
  const request = { model, max_tokens: 200, temperature: 0, messages: [{ role: "user" as const, content: question }] };
  const get_weather = {
    name: "get_weather",
    description: "Weather of a city",
    input_schema: {
      type: "object" as const,
      properties: { city: { type: "string", maxLength: 30 } },
      required: ["city"],
    },
  };
  const rain = {
    ...request,
    messages: [{ role: "user" as const, content: "What is the weather in Paris?" }],
    tools: [get_weather],
  };

  test("a message, whole and streamed", async () => {
    const whole = await client().messages.create(request);
    expect(whole).toMatchObject({
      type: "message",
      role: "assistant",
      model,
      content: [{ type: "text", text: answer }],
      stop_reason: "end_turn",
      stop_sequence: null,
    });
    const final = await client().messages.stream(request).finalMessage();
    expect(final.content).toEqual(whole.content);
    expect(final.usage.output_tokens).toBe(whole.usage.output_tokens);
    const cut = await client().messages.create({ ...request, max_tokens: 3 });
    expect(cut.stop_reason).toBe("max_tokens");
    const stopped = await client().messages.create({ ...request, stop_sequences: ["pollen"] });
    expect(stopped).toMatchObject({ stop_reason: "stop_sequence", stop_sequence: "pollen" });
  });

  test("tools: called, answered, forced, streamed", async () => {
    const first = await client().messages.create(rain);
    const call = first.content.find((block) => block.type === "tool_use") ?? expect.fail("no call");
    expect(first.stop_reason).toBe("tool_use");
    expect(call).toMatchObject({ name: "get_weather", input: { city: expect.any(String) as string } });
    const result = {
      type: "tool_result" as const,
      tool_use_id: call.id,
      content: '{"weather":"sunny","temperature":20}',
    };
    const messages = [
      ...rain.messages,
      { role: "assistant" as const, content: first.content },
      { role: "user" as const, content: [result] },
    ];
    const second = await client().messages.create({ ...rain, messages });
    expect(second.content[0]).toMatchObject({ type: "text", text: expect.stringMatching(/^It is/) as string });
    const forced = { ...rain, messages: request.messages, tool_choice: { type: "tool" as const, name: "get_weather" } };
    const final = await client().messages.stream(forced).finalMessage();
    expect(final).toMatchObject({
      stop_reason: "tool_use",
      content: [{ type: "tool_use", input: { city: expect.any(String) as string } }],
    });
  });

  test("tokens are counted, models listed, errors typed", async () => {
    const { input_tokens } = await client().messages.countTokens({ model, messages: request.messages });
    expect(input_tokens).toBeGreaterThan(3);
    expect((await client().models.list()).data.map(({ id }) => id)).toContain(model);
    await expect(client().messages.create({ ...request, model: "nothing" })).rejects.toMatchObject({
      status: 404,
      error: { type: "error", error: { type: "not_found_error" } },
    });
    const stranger = new Anthropic({ baseURL: house.url, apiKey: "rbk_wrong", maxRetries: 0 });
    await expect(stranger.messages.create(request)).rejects.toBeInstanceOf(Anthropic.AuthenticationError);
  });

  test("leaving stops the engine", async () => {
    const forced = { ...request, max_tokens: 4_096, tool_choice: { type: "tool" as const, name: "say" } };
    const input_schema = { type: "object" as const, properties: { words: { type: "string", minLength: 900 } } };
    const stream = client().messages.stream({ ...forced, tools: [{ name: "say", input_schema }] });
    for await (const event of stream) if (event.type === "content_block_delta") break;
    await stopsInTime(house);
  });
});

describe("Ollama's client", () => {
  const client = () => new Ollama({ host: house.url, headers: { authorization: `Bearer ${house.key}` } });
  const messages = [{ role: "user", content: question }];
  const options = { temperature: 0 };

  test("chat and generate, whole and streamed", async () => {
    const whole = await client().chat({ model, messages, options });
    expect(whole).toMatchObject({
      model,
      done: true,
      done_reason: "stop",
      message: { role: "assistant", content: answer },
    });
    expect(whole.eval_count).toBeGreaterThan(10);
    expect(whole.total_duration).toBeGreaterThan(0);
    let text = "";
    for await (const part of await client().chat({ model: `${model}:latest`, messages, options, stream: true })) {
      text += part.message.content;
      if (part.done) expect(part.eval_count).toBe(whole.eval_count);
    }
    expect(text).toBe(answer);
    const generated = await client().generate({ model, prompt: question, options });
    expect(generated.response).toBe(answer);
    const cut = await client().generate({
      model,
      prompt: "Once upon a time",
      raw: true,
      options: { ...options, num_predict: 5 },
    });
    expect(cut).toMatchObject({ done_reason: "length", eval_count: 5 });
  });

  test("formats and tools", async () => {
    const format = z.toJSONSchema(Bee);
    const { message } = await client().chat({ model, messages, options, format });
    expect(Bee.safeParse(JSON.parse(message.content)).success).toBe(true);
    const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
    const called = await client().chat({
      model,
      messages: [{ role: "user", content: "What is the weather in Paris?" }],
      tools: [{ type: "function", function: { name: "get_weather", description: "Weather", parameters } }],
      options,
    });
    expect(called.message.tool_calls?.[0]?.function).toMatchObject({
      name: "get_weather",
      arguments: { city: expect.any(String) as string },
    });
  });

  test("the fleet: tags, ps, show, version, and a model that is not there", async () => {
    const { models } = await client().list();
    expect(models.find(({ name }) => name === `${model}:latest`)?.size).toBeGreaterThan(1_000_000);
    expect((await client().ps()).models.map(({ name }) => name)).toContain(`${model}:latest`);
    expect(await client().show({ model })).toMatchObject({
      details: { format: "gguf", family: "llama" },
      capabilities: ["completion", "tools"],
    });
    expect((await client().version()).version).toMatch(/^\d+\.\d+\.\d+$/);
    await expect(client().chat({ model: "nothing", messages })).rejects.toMatchObject({ status_code: 404 });
    expect(await client().pull({ model })).toEqual({ status: "success" });
  });

  test.skipIf(!hasMiniLm)(`embeddings, and removing a model${whyNot}`, async () => {
    const { embeddings } = await client().embed({ model: embedder, input: sentences });
    const [a = [], b = []] = embeddings;
    expect(Math.abs(cosine(a, b) - published.first_second)).toBeLessThan(0.01);
    const { embedding } = await client().embeddings({ model: embedder, prompt: sentences[0] ?? "" });
    expect(cosine(embedding, a)).toBeCloseTo(1, 4);
    expect(await client().delete({ model: embedder })).toEqual({ status: "success" });
    await expect
      .poll(async () => (await client().list()).models.map(({ name }) => name), { timeout: 10_000 })
      .not.toContain(`${embedder}:latest`);
  });

  test("leaving stops the engine", async () => {
    const ollama = client();
    const stream = await ollama.chat({ model, messages, options, format: long, stream: true });
    for await (const part of stream) if (part.message.content !== "") break;
    ollama.abort();
    await stopsInTime(house);
  });
});
