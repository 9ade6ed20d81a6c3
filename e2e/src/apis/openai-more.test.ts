import OpenAI, { APIError, APIUserAbortError, AuthenticationError, BadRequestError } from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { House } from "../house.ts";
import { busy, stopsInTime } from "./engines.ts";
import { cosine, hasMiniLm, openHouse, published, sentences, whyNot } from "./models.ts";

/** OpenAI's own client, unmodified: everything but chat. */

let house: House;
let client: OpenAI;
beforeAll(async () => {
  house = await openHouse();
  client = new OpenAI({ baseURL: `${house.url}/v1`, apiKey: house.key, maxRetries: 0 });
});
afterAll(() => house.close());

const model = "bee-tiny";
const ask = (content: string) => [{ role: "user" as const, content }];
const eats = { model, messages: ask("What do bees eat?"), temperature: 0 };

/** Text that goes on until somebody ends it. */
const endless = {
  model,
  messages: ask("List bees"),
  temperature: 0,
  response_format: {
    type: "json_schema" as const,
    json_schema: {
      name: "bees",
      strict: true,
      schema: { type: "array", items: { type: "string", minLength: 900 }, minItems: 9 },
    },
  },
};

describe("older completions", () => {
  test("several prompts, echo, usage, stream", async () => {
    const request = { model, prompt: ["Once upon a time", "The bee"], max_tokens: 12, temperature: 0 };
    const whole = await client.completions.create({ ...request, echo: true });
    expect(whole).toMatchObject({ object: "text_completion", usage: { completion_tokens: 24 } });
    expect(
      whole.choices.map(({ text }) => text.startsWith(request.prompt[0] ?? "") || text.startsWith("The bee")),
    ).toEqual([true, true]);
    const texts = ["", ""];
    for await (const { choices } of await client.completions.create({ ...request, echo: true, stream: true }))
      for (const { index, text } of choices) texts[index] += text;
    expect(texts).toEqual(whole.choices.map(({ text }) => text));
    const short = await client.completions.create({ model, prompt: "Once upon a time", temperature: 0, logprobs: 2 });
    expect(short.usage?.completion_tokens).toBe(16);
    expect(short.choices[0]?.logprobs?.tokens?.length).toBe(16);
    await expect(client.completions.create({ model, prompt: "a", suffix: "b" })).rejects.toMatchObject({ status: 400 });
  });
});

describe.skipIf(!hasMiniLm)(`embeddings${whyNot}`, () => {
  const embedder = "all-MiniLM-L6-v2";

  test("as the client asks by itself (base64), and as floats: the published ones", async () => {
    const { data, usage, model } = await client.embeddings.create({ model: embedder, input: sentences });
    const [a = [], b = [], c = []] = data.map(({ embedding }) => embedding);
    expect(Math.abs(cosine(a, b) - published.first_second)).toBeLessThan(0.01);
    expect(Math.abs(cosine(a, c) - published.first_third)).toBeLessThan(0.01);
    expect(Math.abs(cosine(b, c) - published.second_third)).toBeLessThan(0.01);
    expect(Math.hypot(...a)).toBeCloseTo(1, 4);
    expect(usage.prompt_tokens).toBe(usage.total_tokens);
    expect(model).toBe(embedder);
    const floats = await client.embeddings.create({
      model: embedder,
      input: sentences[0] ?? "",
      encoding_format: "float",
    });
    expect(floats.data.length).toBe(1);
    expect(cosine(floats.data[0]?.embedding ?? [], a)).toBeCloseTo(1, 5);
  });

  test("many at once, in their order, and shorter ones", async () => {
    const input = Array.from({ length: 70 }, (_, n) => `sentence number ${n}`);
    const { data } = await client.embeddings.create({ model: embedder, input, dimensions: 64 });
    expect(data.map(({ index }) => index)).toEqual(input.map((_, n) => n));
    expect(data.every(({ embedding }) => embedding.length === 64)).toBe(true);
    const one = await client.embeddings.create({ model: embedder, input: input[69] ?? "", dimensions: 64 });
    expect(cosine(one.data[0]?.embedding ?? [], data[69]?.embedding ?? [])).toBeCloseTo(1, 4);
  });

  test("a model that only embeds does not chat", async () => {
    await expect(client.chat.completions.create({ ...eats, model: embedder })).rejects.toMatchObject({ status: 400 });
  });
});

describe("leaving", () => {
  test("a stream stops the engine", async () => {
    const stream = await client.chat.completions.create({ ...endless, stream: true });
    for await (const { choices } of stream) if (choices[0]?.delta.content !== "") break;
    await stopsInTime(house);
  });

  test("an answer that is waited for stops the engine", async () => {
    const abort = new AbortController();
    const run = client.chat.completions.create(endless, { signal: abort.signal });
    await expect.poll(async () => busy(house), { timeout: 10_000, interval: 20 }).toBe(1);
    abort.abort();
    await expect(run).rejects.toBeInstanceOf(APIUserAbortError);
    await stopsInTime(house);
  });

  test("a request with a name is kept for its client to come back", async () => {
    const options = { headers: { "idempotency-key": crypto.randomUUID() } };
    const request = { ...endless, stream: true as const, max_tokens: 1_500 };
    const first = await client.chat.completions.create(request, options).withResponse();
    for await (const { choices } of first.data) if (choices[0]?.delta.content !== "") break;
    const again = await client.chat.completions.create(request, options).withResponse();
    expect(again.response.headers.get("x-rbee-job-id")).toBe(first.response.headers.get("x-rbee-job-id"));
    let finish: string | null = null;
    for await (const { choices } of again.data) finish = choices[0]?.finish_reason ?? finish;
    expect(finish).toBe("length");
  });

  test("it is cancelled when the client does not come back, after its grace", async () => {
    const options = { headers: { "x-rbee-resumable": "true" } };
    const { data, response } = await client.chat.completions
      .create({ ...endless, stream: true }, options)
      .withResponse();
    for await (const { choices } of data) if (choices[0]?.delta.content !== "") break;
    const left = performance.now();
    // It is looked at, not read: whoever reads it keeps it alive.
    const id = response.headers.get("x-rbee-job-id") ?? "";
    await expect
      .poll(async () => (await house.client().get(id)).state, { timeout: 30_000, interval: 100 })
      .not.toBe("running");
    // An engine that is quicker than the grace has ended by itself.
    if ((await house.client().get(id)).state === "cancelled") expect(performance.now() - left).toBeGreaterThan(9_000);
  });
});

describe("errors", () => {
  test.each([
    [{ model, messages: [] }, "messages", "array_below_min_length"],
    [{ model }, "messages", "missing_required_parameter"],
    [{ messages: ask("hi") }, "model", "missing_required_parameter"],
    [{ ...eats, temperature: 3 }, "temperature", "decimal_above_max_value"],
    [{ ...eats, max_tokens: 0 }, "max_tokens", "integer_below_min_value"],
    [{ ...eats, stop: 5 }, "stop", "invalid_value"],
    [{ ...eats, messages: "hi" }, "messages", "invalid_type"],
    [{ ...eats, tools: [{ type: "magic" }] }, "tools[0].type", "invalid_value"],
  ])("%j", async (body, param, code) => {
    const run = client.chat.completions.create(body as OpenAI.ChatCompletionCreateParamsNonStreaming);
    await expect(run).rejects.toMatchObject({ status: 400, param, code, type: "invalid_request_error" });
  });

  test("a prompt that does not fit", async () => {
    const long = { model, messages: ask("bee ".repeat(20_000)) };
    const run = client.chat.completions.create(long);
    await expect(run).rejects.toBeInstanceOf(BadRequestError);
    await expect(run).rejects.toMatchObject({ code: "context_length_exceeded", type: "invalid_request_error" });
    await expect(client.chat.completions.create({ ...long, stream: true })).rejects.toMatchObject({ status: 400 });
  });

  test("pictures, a wrong key, an unknown address", async () => {
    const image = { type: "image_url" as const, image_url: { url: "data:image/png;base64,AAAA" } };
    const seen = client.chat.completions.create({ model, messages: [{ role: "user", content: [image] }] });
    await expect(seen).rejects.toMatchObject({ status: 400, message: expect.stringContaining("image_url") as string });
    const stranger = new OpenAI({ baseURL: `${house.url}/v1`, apiKey: "rbk_wrong", maxRetries: 0 });
    const run = stranger.models.list();
    await expect(run).rejects.toBeInstanceOf(AuthenticationError);
    await expect(run).rejects.toMatchObject({ code: "invalid_api_key" });
    await expect(client.post("/chat/nothing", { body: {} })).rejects.toBeInstanceOf(APIError);
    await expect(client.post("/chat/nothing", { body: {} })).rejects.toMatchObject({ status: 404 });
    await expect(client.get("/embeddings")).rejects.toMatchObject({ status: 405, code: "method_not_supported" });
  });
});
