import OpenAI, { APIError, AuthenticationError, BadRequestError } from "openai";
import { describe, expect } from "vitest";
import { pacedRequest, startPaced } from "../fleet/paced.ts";
import {
  ask,
  cosine,
  embedder,
  hasMiniLm,
  model,
  published,
  question,
  sentences,
  test,
  tooLong,
  whyNot,
} from "./testing.ts";

/** OpenAI's own client, unmodified: everything but chat. */

const eats = { model, messages: ask(question), temperature: 0 };

describe("older completions", () => {
  test("several prompts, echo, usage, stream", async ({ openai }) => {
    const request = { model, prompt: ["Once upon a time", "The bee"], max_tokens: 12, temperature: 0 };
    const whole = await openai.completions.create({ ...request, echo: true });
    expect(whole).toMatchObject({ object: "text_completion", usage: { completion_tokens: 24 } });
    expect(
      whole.choices.map(({ text }) => text.startsWith(request.prompt[0] ?? "") || text.startsWith("The bee")),
    ).toEqual([true, true]);
    const texts = ["", ""];
    for await (const { choices } of await openai.completions.create({ ...request, echo: true, stream: true }))
      for (const { index, text } of choices) texts[index] += text;
    expect(texts).toEqual(whole.choices.map(({ text }) => text));
    const offsets: number[] = [];
    for await (const { choices } of await openai.completions.create({
      ...request,
      prompt: "a",
      logprobs: 1,
      stream: true,
    }))
      offsets.push(...(choices[0]?.logprobs?.text_offset ?? []));
    expect(offsets).toHaveLength(12);
    expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
    expect(offsets.at(-1)).toBeGreaterThan(0);
    const short = await openai.completions.create({ model, prompt: "Once upon a time", temperature: 0, logprobs: 2 });
    expect(short.usage?.completion_tokens).toBe(16);
    expect(short.choices[0]?.logprobs?.tokens?.length).toBe(16);
    await expect(openai.completions.create({ model, prompt: "a", suffix: "b" })).rejects.toMatchObject({ status: 400 });
  });
});

describe.skipIf(!hasMiniLm)(`embeddings${whyNot}`, () => {
  test("as the client asks by itself (base64), and as floats: the published ones", async ({ openai }) => {
    const { data, usage, model } = await openai.embeddings.create({ model: embedder, input: sentences });
    const [a = [], b = [], c = []] = data.map(({ embedding }) => embedding);
    expect(Math.abs(cosine(a, b) - published.first_second)).toBeLessThan(0.01);
    expect(Math.abs(cosine(a, c) - published.first_third)).toBeLessThan(0.01);
    expect(Math.abs(cosine(b, c) - published.second_third)).toBeLessThan(0.01);
    expect(Math.hypot(...a)).toBeCloseTo(1, 4);
    expect(usage.prompt_tokens).toBe(usage.total_tokens);
    expect(model).toBe(embedder);
    const floats = await openai.embeddings.create({
      model: embedder,
      input: sentences[0] ?? "",
      encoding_format: "float",
    });
    expect(floats.data.length).toBe(1);
    expect(cosine(floats.data[0]?.embedding ?? [], a)).toBeCloseTo(1, 5);
  });

  test("many at once, in their order, and shorter ones", async ({ openai }) => {
    const input = Array.from({ length: 70 }, (_, n) => `sentence number ${n}`);
    const { data } = await openai.embeddings.create({ model: embedder, input, dimensions: 64 });
    expect(data.map(({ index }) => index)).toEqual(input.map((_, n) => n));
    expect(data.every(({ embedding }) => embedding.length === 64)).toBe(true);
    const one = await openai.embeddings.create({ model: embedder, input: input[69] ?? "", dimensions: 64 });
    expect(cosine(one.data[0]?.embedding ?? [], data[69]?.embedding ?? [])).toBeCloseTo(1, 4);
  });

  test("a model that only embeds does not chat", async ({ openai }) => {
    await expect(openai.chat.completions.create({ ...eats, model: embedder })).rejects.toMatchObject({ status: 400 });
  });
});

describe("errors", () => {
  test.for([
    [{ model, messages: [] }, "messages", "array_below_min_length"],
    [{ model }, "messages", "missing_required_parameter"],
    [{ messages: ask("hi") }, "model", "missing_required_parameter"],
    [{ ...eats, temperature: 3 }, "temperature", "decimal_above_max_value"],
    [{ ...eats, max_tokens: 0 }, "max_tokens", "integer_below_min_value"],
    [{ ...eats, stop: 5 }, "stop", "invalid_value"],
    [{ ...eats, messages: "hi" }, "messages", "invalid_type"],
    [{ ...eats, tools: [{ type: "magic" }] }, "tools[0].type", "invalid_value"],
    [{ ...eats, tool_choice: "required" }, "tool_choice", null],
    [
      { model, messages: [{ role: "user", content: [{ type: "text" }] }] },
      "messages.[0].content.[0].text",
      "missing_required_parameter",
    ],
  ] as const)("%j", async ([body, param, code], { openai }) => {
    const run = openai.chat.completions.create(body as OpenAI.ChatCompletionCreateParamsNonStreaming);
    await expect(run).rejects.toMatchObject({ status: 400, param, code, type: "invalid_request_error" });
  });

  test.for(["", "gpt 4!", "../secret", "x".repeat(400)])("the model %j is not found", async (name, { openai }) => {
    const run = openai.chat.completions.create({ ...eats, model: name });
    await expect(run).rejects.toMatchObject({ status: 404, code: "model_not_found" });
  });

  test("a prompt that does not fit", async ({ openai }) => {
    const long = { model, messages: ask(tooLong) };
    const run = openai.chat.completions.create(long);
    await expect(run).rejects.toBeInstanceOf(BadRequestError);
    const words = expect.stringContaining("maximum context length is 2048 tokens") as string;
    const code = "context_length_exceeded";
    await expect(run).rejects.toMatchObject({ code, type: "invalid_request_error", message: words });
    await expect(openai.chat.completions.create({ ...long, stream: true })).rejects.toMatchObject({ status: 400 });
  });

  test("a failure behind the headers of an answer that is waited for: it is told, and the body breaks", async ({
    house,
  }) => {
    await startPaced(house, "paced", 1);
    const response = await fetch(`${house.url}/v1/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${house.key}` },
      body: JSON.stringify(pacedRequest(1, 300, 100)),
    });
    expect(response.status).toBe(200);
    await house.client().cancel(response.headers.get("x-rbee-job-id") ?? "");
    let body = "";
    const read = async () => {
      for await (const text of (response.body ?? expect.fail("no body")).pipeThrough(new TextDecoderStream()))
        body += text;
    };
    await expect(read()).rejects.toThrow();
    expect(JSON.parse(body)).toMatchObject({ error: { code: "cancelled", type: "invalid_request_error" } });
  });

  test("pictures, a wrong key, an unknown address", async ({ openai, house }) => {
    const image = { type: "image_url" as const, image_url: { url: "data:image/png;base64,AAAA" } };
    const seen = openai.chat.completions.create({ model, messages: [{ role: "user", content: [image] }] });
    await expect(seen).rejects.toMatchObject({ status: 400, message: expect.stringContaining("image_url") as string });
    const stranger = new OpenAI({ baseURL: `${house.url}/v1`, apiKey: "rbk_wrong", maxRetries: 0 });
    const run = stranger.models.list();
    await expect(run).rejects.toBeInstanceOf(AuthenticationError);
    await expect(run).rejects.toMatchObject({ code: "invalid_api_key" });
    await expect(openai.post("/chat/nothing", { body: {} })).rejects.toBeInstanceOf(APIError);
    await expect(openai.post("/chat/nothing", { body: {} })).rejects.toMatchObject({ status: 404 });
    await expect(openai.get("/embeddings")).rejects.toMatchObject({ status: 405, code: "method_not_supported" });
  });
});
