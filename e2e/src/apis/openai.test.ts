import OpenAI, { APIError, APIUserAbortError, AuthenticationError, BadRequestError, NotFoundError } from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { House } from "../house.ts";
import { cosine, hasMiniLm, openHouse, published, sentences, whyNot } from "./models.ts";

/** OpenAI's own client, unmodified. */

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
const answer = "Bees eat nectar and pollen from flowers. In the winter they eat honey.";
const weather = {
  type: "function" as const,
  function: {
    name: "get_weather",
    description: "Weather of a city",
    parameters: { type: "object", properties: { city: { type: "string", maxLength: 30 } }, required: ["city"] },
  },
};
const add = {
  type: "function" as const,
  function: {
    name: "add",
    parameters: {
      type: "object",
      properties: { a: { type: "integer" }, b: { type: "integer" } },
      required: ["a", "b"],
    },
  },
};

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

const STOPPED_WITHIN_MS = 2_000;
const busy = async () => {
  const { workers } = await house.client().run("active_worker_list", {});
  return workers.reduce((sum, worker) => sum + worker.slots_busy, 0);
};
const stopsInTime = async () => {
  const began = performance.now();
  await expect.poll(busy, { timeout: 10_000, interval: 50 }).toBe(0);
  expect(performance.now() - began).toBeLessThan(STOPPED_WITHIN_MS);
};

describe("models", () => {
  test("are listed, and found by name", async () => {
    const { data } = await client.models.list();
    expect(data.find(({ id }) => id === model)).toMatchObject({ object: "model", owned_by: "rbee" });
    expect(data.every(({ created }) => Number.isInteger(created))).toBe(true);
    expect(await client.models.retrieve(model)).toMatchObject({ id: model, object: "model" });
    const other = new OpenAI({ baseURL: `${house.url}/openai/v1`, apiKey: house.key });
    expect((await other.models.list()).data.map(({ id }) => id)).toContain(model);
  });

  test("one that is not there is a 404 that names those there are", async () => {
    const run = client.chat.completions.create({ ...eats, model: "gpt-4o" });
    await expect(run).rejects.toBeInstanceOf(NotFoundError);
    await expect(run).rejects.toMatchObject({
      status: 404,
      code: "model_not_found",
      type: "invalid_request_error",
      message: expect.stringContaining(model) as string,
    });
    await expect(client.models.retrieve("org/nothing:Q4")).rejects.toMatchObject({ code: "model_not_found" });
  });
});

describe("chat", () => {
  test("a whole answer", async () => {
    const { data, response, request_id } = await client.chat.completions.create(eats).withResponse();
    expect(data).toMatchObject({
      object: "chat.completion",
      model,
      choices: [
        {
          index: 0,
          finish_reason: "stop",
          logprobs: null,
          message: { role: "assistant", content: answer, refusal: null },
        },
      ],
    });
    expect(data.id).toMatch(/^chatcmpl-/);
    const { prompt_tokens, completion_tokens, total_tokens } = data.usage ?? expect.fail("no usage");
    expect(completion_tokens).toBeGreaterThan(10);
    expect(total_tokens).toBe(prompt_tokens + completion_tokens);
    expect(request_id).toMatch(/^req_/);
    expect(response.headers.get("x-rbee-job-id")).toMatch(/^job_/);
    expect(Number(response.headers.get("x-ratelimit-remaining-requests"))).toBeGreaterThan(0);
    const job = await house.client().get(response.headers.get("x-rbee-job-id") ?? "");
    expect(job).toMatchObject({ operation: "infer", state: "succeeded" });
  });

  test("a streamed answer: role, content, end, usage", async () => {
    const chunks = [];
    const stream = await client.chat.completions.create({
      ...eats,
      stream: true,
      stream_options: { include_usage: true },
    });
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks[0]).toMatchObject({
      object: "chat.completion.chunk",
      choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }],
      usage: null,
    });
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("")).toBe(answer);
    expect(chunks.at(-2)).toMatchObject({ choices: [{ delta: {}, finish_reason: "stop" }] });
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: expect.any(Number) as number } });
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
  });

  test("the client's own accumulator agrees", async () => {
    const final = await client.chat.completions.stream(eats).finalChatCompletion();
    expect(final.choices[0]?.message.content).toBe(answer);
  });

  test("stop strings, max_tokens, n, and parameters nobody knows", async () => {
    const stopped = await client.chat.completions.create({ ...eats, stop: [" pollen", "never"] });
    expect(stopped.choices[0]).toMatchObject({ finish_reason: "stop", message: { content: "Bees eat nectar and" } });
    const cut = await client.chat.completions.create({ ...eats, max_completion_tokens: 3 });
    expect(cut.choices[0]?.finish_reason).toBe("length");
    expect(cut.usage?.completion_tokens).toBe(3);
    const many = await client.chat.completions.create({
      model,
      messages: ask("Tell me a story"),
      n: 3,
      seed: 7,
      max_tokens: 40,
      user: "me",
      metadata: { a: "b" },
      // @ts-expect-error: no such parameter
      no_such_thing: { deep: true },
    });
    expect(many.choices.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(new Set(many.choices.map(({ message }) => message.content)).size).toBe(3);
  });

  test("developer messages, parts, and a seed that repeats itself", async () => {
    const request = {
      model,
      messages: [
        { role: "developer" as const, content: "You are a bee." },
        {
          role: "user" as const,
          content: [
            { type: "text" as const, text: "Tell me " },
            { type: "text" as const, text: "a story" },
          ],
        },
      ],
      seed: -5,
      temperature: 1.2,
      max_tokens: 30,
    };
    const [one, two] = [await client.chat.completions.create(request), await client.chat.completions.create(request)];
    expect(one.choices[0]?.message.content).toBe(two.choices[0]?.message.content);
  });

  test("likelihoods", async () => {
    const { choices } = await client.chat.completions.create({ ...eats, logprobs: true, top_logprobs: 2 });
    const content = choices[0]?.logprobs?.content ?? [];
    expect(content.map(({ token }) => token).join("")).toBe(answer);
    expect(content[0]).toMatchObject({
      top_logprobs: [{ token: "B" }, {}].slice(0, 0).length === 0 ? (expect.any(Array) as []) : [],
    });
    expect(
      content.every(({ logprob, bytes, top_logprobs }) => logprob <= 0 && bytes !== null && top_logprobs.length === 2),
    ).toBe(true);
  });

  test("structured output fits its schema", async () => {
    const Bee = z.object({
      name: z.string().max(20),
      legs: z.literal(6),
      role: z.enum(["queen", "drone"]),
      age: z.int(),
    });
    const parsed = await client.chat.completions.parse({ ...eats, response_format: zodResponseFormat(Bee, "bee") });
    expect(Bee.safeParse(parsed.choices[0]?.message.parsed).success).toBe(true);
    const any = await client.chat.completions.create({
      model,
      messages: ask("Give me a JSON object with name and age"),
      temperature: 0,
      response_format: { type: "json_object" },
    });
    expect(JSON.parse(any.choices[0]?.message.content ?? "")).toMatchObject({ name: expect.any(String) as string });
  });
});

describe("tools", () => {
  test("called by the model, and answered", async () => {
    const messages: OpenAI.ChatCompletionMessageParam[] = ask("What is the weather in Paris?");
    const first = await client.chat.completions.create({ model, messages, temperature: 0, tools: [weather, add] });
    const [choice] = first.choices;
    expect(choice).toMatchObject({ finish_reason: "tool_calls", message: { content: null } });
    const call = choice?.message.tool_calls?.[0] ?? expect.fail("no call");
    expect(call).toMatchObject({
      type: "function",
      id: expect.stringMatching(/^call_/) as string,
      function: { name: "get_weather" },
    });
    const said = { role: "tool" as const, tool_call_id: call.id, content: '{"weather":"sunny","temperature":20}' };
    const second = await client.chat.completions.create({
      model,
      messages: [...messages, choice?.message ?? expect.fail(), said],
      temperature: 0,
      tools: [weather, add],
    });
    expect(second.choices[0]).toMatchObject({ finish_reason: "stop" });
    expect(second.choices[0]?.message.content).toMatch(/^It is/);
  });

  test("forced by name, streamed in pieces", async () => {
    const stream = client.chat.completions.stream({
      model,
      messages: ask("Tell me a story"),
      tools: [weather, add],
      tool_choice: { type: "function", function: { name: "add" } },
    });
    const final = await stream.finalChatCompletion();
    const [call, ...more] = final.choices[0]?.message.tool_calls ?? [];
    expect(more).toEqual([]);
    const args = JSON.parse(call?.type === "function" ? call.function.arguments : "") as { a: number; b: number };
    expect(Number.isInteger(args.a) && Number.isInteger(args.b)).toBe(true);
    expect(final.choices[0]?.finish_reason).toBe("tool_calls");
  });

  test("required, and forbidden", async () => {
    const request = { model, messages: ask("Hello!"), tools: [weather, add], temperature: 0 };
    const required = await client.chat.completions.create({
      ...request,
      tool_choice: "required",
      parallel_tool_calls: false,
    });
    expect(required.choices[0]?.message.tool_calls?.length).toBe(1);
    const none = await client.chat.completions.create({ ...request, tool_choice: "none" });
    expect(none.choices[0]?.message).not.toHaveProperty("tool_calls");
  });
});

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
    await stopsInTime();
  });

  test("an answer that is waited for stops the engine", async () => {
    const abort = new AbortController();
    const run = client.chat.completions.create(endless, { signal: abort.signal });
    await expect.poll(busy, { timeout: 10_000, interval: 20 }).toBe(1);
    abort.abort();
    await expect(run).rejects.toBeInstanceOf(APIUserAbortError);
    await stopsInTime();
  });

  test("a request with a name is kept for its client to come back, and cancelled when it does not", async () => {
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
  });
});
