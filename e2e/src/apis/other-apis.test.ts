import Anthropic from "@anthropic-ai/sdk";
import { describe, expect } from "vitest";
import { z } from "zod";
import {
  answer,
  Bee,
  cosine,
  embedder,
  hasMiniLm,
  long,
  model,
  ofCity,
  published,
  question,
  sentences,
  stopsInTime,
  test,
  tooLong,
  whyNot,
} from "./testing.ts";

/** Anthropic's and Ollama's own clients, unmodified. */

describe("Anthropic's client", () => {
  const request = { model, max_tokens: 200, temperature: 0, messages: [{ role: "user" as const, content: question }] };
  const get_weather = {
    name: "get_weather",
    description: "Weather of a city",
    input_schema: ofCity,
  };
  const rain = {
    ...request,
    messages: [{ role: "user" as const, content: "What is the weather in Paris?" }],
    tools: [get_weather],
  };

  test("a message, whole and streamed", async ({ anthropic }) => {
    const whole = await anthropic.messages.create(request);
    expect(whole).toMatchObject({
      type: "message",
      role: "assistant",
      model,
      content: [{ type: "text", text: answer }],
      stop_reason: "end_turn",
      stop_sequence: null,
    });
    const final = await anthropic.messages.stream(request).finalMessage();
    expect(final.content).toEqual(whole.content);
    const { input_tokens, cache_read_input_tokens } = final.usage;
    expect(input_tokens).toBeGreaterThan(0);
    for await (const event of await anthropic.messages.create({ ...request, stream: true })) {
      if (event.type !== "message_start") continue;
      expect(event.message.usage).toMatchObject({ input_tokens, cache_read_input_tokens, output_tokens: 0 });
    }
    expect(final.usage.output_tokens).toBe(whole.usage.output_tokens);
    const cut = await anthropic.messages.create({ ...request, max_tokens: 3 });
    expect(cut.stop_reason).toBe("max_tokens");
    const output_config = { format: { type: "json_schema" as const, schema: z.toJSONSchema(Bee) } };
    const bee = await anthropic.messages.parse({ ...request, output_config });
    const [said] = bee.content;
    expect(Bee.safeParse(JSON.parse(said?.type === "text" ? said.text : "")).success).toBe(true);
    const begun = { role: "assistant" as const, content: answer.slice(0, -7) };
    const rest = await anthropic.messages.create({ ...request, messages: [...request.messages, begun] });
    expect(rest.content).toEqual([{ type: "text", text: answer.slice(-7) }]);
    const stopped = await anthropic.messages.create({ ...request, stop_sequences: ["pollen"] });
    expect(stopped).toMatchObject({ stop_reason: "stop_sequence", stop_sequence: "pollen" });
  });

  test("tools: called, answered, forced, streamed", async ({ anthropic }) => {
    const first = await anthropic.messages.create(rain);
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
    const second = await anthropic.messages.create({ ...rain, messages });
    expect(second.content[0]).toMatchObject({ type: "text", text: expect.stringMatching(/^It is/) as string });
    const forced = { ...rain, messages: request.messages, tool_choice: { type: "tool" as const, name: "get_weather" } };
    const final = await anthropic.messages.stream(forced).finalMessage();
    expect(final).toMatchObject({
      stop_reason: "tool_use",
      content: [{ type: "tool_use", input: { city: expect.any(String) as string } }],
    });
  });

  test("tokens are counted, models listed, errors typed", async ({ house, anthropic }) => {
    const { input_tokens } = await anthropic.messages.countTokens({ model, messages: request.messages });
    expect(input_tokens).toBeGreaterThan(3);
    expect((await anthropic.models.list()).data.map(({ id }) => id)).toContain(model);
    await expect(anthropic.messages.create({ ...request, model: "nothing" })).rejects.toMatchObject({
      status: 404,
      error: { type: "error", error: { type: "not_found_error" } },
    });
    const long = [{ role: "user" as const, content: tooLong }];
    await expect(anthropic.messages.create({ ...request, messages: long })).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining("prompt is too long") as string,
    });
    const stranger = new Anthropic({ baseURL: house.url, apiKey: "rbk_wrong", maxRetries: 0 });
    await expect(stranger.messages.create(request)).rejects.toBeInstanceOf(Anthropic.AuthenticationError);
  });

  test("leaving stops the engine", async ({ house, anthropic }) => {
    const forced = { ...request, max_tokens: 4_096, tool_choice: { type: "tool" as const, name: "say" } };
    const input_schema = { type: "object" as const, properties: { words: { type: "string", minLength: 900 } } };
    await stopsInTime(house, async () => {
      const stream = anthropic.messages.stream({ ...forced, tools: [{ name: "say", input_schema }] });
      for await (const event of stream) if (event.type === "content_block_delta") break;
    });
  });
});

describe("Ollama's client", () => {
  const messages = [{ role: "user", content: question }];
  const options = { temperature: 0 };

  test("chat and generate, whole and streamed", async ({ ollama }) => {
    const whole = await ollama.chat({ model, messages, options });
    expect(whole).toMatchObject({
      model,
      done: true,
      done_reason: "stop",
      message: { role: "assistant", content: answer },
    });
    expect(whole.eval_count).toBeGreaterThan(10);
    expect(whole.total_duration).toBeGreaterThan(0);
    let text = "";
    for await (const part of await ollama.chat({ model: `${model}:latest`, messages, options, stream: true })) {
      text += part.message.content;
      if (part.done) expect(part.eval_count).toBe(whole.eval_count);
    }
    expect(text).toBe(answer);
    const generated = await ollama.generate({ model, prompt: question, options });
    expect(generated.response).toBe(answer);
    const cut = await ollama.generate({
      model,
      prompt: "Once upon a time",
      raw: true,
      options: { ...options, num_predict: 5 },
    });
    expect(cut).toMatchObject({ done_reason: "length", eval_count: 5 });
  });

  test("formats and tools", async ({ ollama }) => {
    const format = z.toJSONSchema(Bee);
    const { message } = await ollama.chat({ model, messages, options, format });
    expect(Bee.safeParse(JSON.parse(message.content)).success).toBe(true);
    const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
    const called = await ollama.chat({
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

  test("the fleet: tags, ps, show, version, and a model that is not there", async ({ ollama }) => {
    const { models } = await ollama.list();
    expect(models.find(({ name }) => name === `${model}:latest`)?.size).toBeGreaterThan(1_000_000);
    expect((await ollama.ps()).models.map(({ name }) => name)).toContain(`${model}:latest`);
    expect(await ollama.show({ model })).toMatchObject({
      details: { format: "gguf", family: "llama" },
      capabilities: ["completion", "tools"],
    });
    expect((await ollama.version()).version).toMatch(/^\d+\.\d+\.\d+$/);
    await expect(ollama.chat({ model: "nothing", messages })).rejects.toMatchObject({ status_code: 404 });
    expect(await ollama.pull({ model })).toEqual({ status: "success" });
  });

  test.skipIf(!hasMiniLm)(`embeddings, and removing a model${whyNot}`, async ({ ollama }) => {
    // As Ollama does: a model that only embeds is loaded by asking for an embedding.
    await expect(ollama.generate({ model: embedder, prompt: "" })).rejects.toMatchObject({ status_code: 400 });
    const { embeddings } = await ollama.embed({ model: embedder, input: sentences });
    const [a = [], b = []] = embeddings;
    expect(Math.abs(cosine(a, b) - published.first_second)).toBeLessThan(0.01);
    const { embedding } = await ollama.embeddings({ model: embedder, prompt: sentences[0] ?? "" });
    expect(cosine(embedding, a)).toBeCloseTo(1, 4);
    const input = "bee ".repeat(2_000);
    const cut = await ollama.embed({ model: embedder, input });
    expect(cut.prompt_eval_count).toBe(511);
    expect((await ollama.embeddings({ model: embedder, prompt: input })).embedding).toEqual(cut.embeddings[0]);
    await expect(ollama.embed({ model: embedder, input, truncate: false })).rejects.toMatchObject({ status_code: 400 });
    expect(await ollama.embed({ model: embedder, input: [] })).toMatchObject({ embeddings: [], prompt_eval_count: 0 });
    expect(await ollama.delete({ model: embedder })).toEqual({ status: "success" });
    await expect
      .poll(async () => (await ollama.list()).models.map(({ name }) => name))
      .not.toContain(`${embedder}:latest`);
  });

  test("leaving stops the engine", async ({ house, ollama }) => {
    await stopsInTime(house, async () => {
      const stream = await ollama.chat({ model, messages, options, format: long, stream: true });
      for await (const part of stream) if (part.message.content !== "") break;
      ollama.abort();
    });
  });
});
