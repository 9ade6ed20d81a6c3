import OpenAI, { NotFoundError } from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { describe, expect } from "vitest";
import { z } from "zod";
import { answer, ask, model, ofCity, question, test } from "./testing.ts";

/** OpenAI's own client, unmodified. */

const eats = { model, messages: ask(question), temperature: 0 };
const weather = {
  type: "function" as const,
  function: {
    name: "get_weather",
    description: "Weather of a city",
    parameters: ofCity,
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

describe("models", () => {
  test("are listed, and found by name", async ({ openai, house }) => {
    const { data } = await openai.models.list();
    expect(data.find(({ id }) => id === model)).toMatchObject({ object: "model", owned_by: "rbee" });
    expect(data.every(({ created }) => Number.isInteger(created))).toBe(true);
    expect(await openai.models.retrieve(model)).toMatchObject({ id: model, object: "model" });
    const other = new OpenAI({ baseURL: `${house.url}/openai/v1`, apiKey: house.key });
    expect((await other.models.list()).data.map(({ id }) => id)).toContain(model);
  });

  test("one that is not there is a 404 that names those there are", async ({ openai }) => {
    const run = openai.chat.completions.create({ ...eats, model: "gpt-4o" });
    await expect(run).rejects.toBeInstanceOf(NotFoundError);
    await expect(run).rejects.toMatchObject({
      status: 404,
      code: "model_not_found",
      type: "invalid_request_error",
      message: expect.stringContaining(model) as string,
    });
    await expect(openai.models.retrieve("org/nothing:Q4")).rejects.toMatchObject({ code: "model_not_found" });
  });
});

describe("chat", () => {
  test("a whole answer", async ({ openai, house }) => {
    const { data, response, request_id } = await openai.chat.completions.create(eats).withResponse();
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

  test("a streamed answer: role, content, end, usage", async ({ openai }) => {
    const chunks = [];
    const stream = await openai.chat.completions.create({
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

  test("the client's own accumulator agrees", async ({ openai }) => {
    const final = await openai.chat.completions.stream(eats).finalChatCompletion();
    expect(final.choices[0]?.message.content).toBe(answer);
  });

  test("stop strings, max_tokens, n, and parameters nobody knows", async ({ openai }) => {
    const stopped = await openai.chat.completions.create({ ...eats, stop: [" pollen", "never"] });
    expect(stopped.choices[0]).toMatchObject({ finish_reason: "stop", message: { content: "Bees eat nectar and" } });
    const cut = await openai.chat.completions.create({ ...eats, max_completion_tokens: 3 });
    expect(cut.choices[0]?.finish_reason).toBe("length");
    expect(cut.usage?.completion_tokens).toBe(3);
    const many = await openai.chat.completions.create({
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

  test("developer messages, parts, and a seed that repeats itself", async ({ openai }) => {
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
    const [one, two] = [await openai.chat.completions.create(request), await openai.chat.completions.create(request)];
    expect(one.choices[0]?.message.content).toBe(two.choices[0]?.message.content);
  });

  test("likelihoods", async ({ openai }) => {
    const { choices } = await openai.chat.completions.create({ ...eats, logprobs: true, top_logprobs: 2 });
    const content = choices[0]?.logprobs?.content ?? [];
    expect(content.map(({ token }) => token).join("")).toBe(answer);
    expect(
      content.every(({ logprob, bytes, top_logprobs }) => logprob <= 0 && bytes !== null && top_logprobs.length === 2),
    ).toBe(true);
  });

  test("structured output fits its schema", async ({ openai }) => {
    const Bee = z.object({
      name: z.string().max(20),
      legs: z.literal(6),
      role: z.enum(["queen", "drone"]),
      age: z.int(),
    });
    const parsed = await openai.chat.completions.parse({ ...eats, response_format: zodResponseFormat(Bee, "bee") });
    expect(Bee.safeParse(parsed.choices[0]?.message.parsed).success).toBe(true);
    const any = await openai.chat.completions.create({
      model,
      messages: ask("Give me a JSON object with name and age"),
      temperature: 0,
      response_format: { type: "json_object" },
    });
    expect(JSON.parse(any.choices[0]?.message.content ?? "")).toMatchObject({ name: expect.any(String) as string });
  });
});

describe("tools", () => {
  test("called by the model, and answered", async ({ openai }) => {
    const messages: OpenAI.ChatCompletionMessageParam[] = ask("What is the weather in Paris?");
    const first = await openai.chat.completions.create({ model, messages, temperature: 0, tools: [weather, add] });
    const [choice] = first.choices;
    expect(choice).toMatchObject({ finish_reason: "tool_calls", message: { content: null } });
    const call = choice?.message.tool_calls?.[0] ?? expect.fail("no call");
    expect(call).toMatchObject({
      type: "function",
      id: expect.stringMatching(/^call_/) as string,
      function: { name: "get_weather" },
    });
    const said = { role: "tool" as const, tool_call_id: call.id, content: '{"weather":"sunny","temperature":20}' };
    const second = await openai.chat.completions.create({
      model,
      messages: [...messages, choice?.message ?? expect.fail(), said],
      temperature: 0,
      tools: [weather, add],
    });
    expect(second.choices[0]).toMatchObject({ finish_reason: "stop" });
    expect(second.choices[0]?.message.content).toMatch(/^It is/);
  });

  test("forced by name, streamed in pieces", async ({ openai }) => {
    const stream = openai.chat.completions.stream({
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
    expect(final.choices[0]?.finish_reason).toBe("stop");
  });

  test("one that takes nothing is called with nothing", async ({ openai }) => {
    const { choices } = await openai.chat.completions.create({
      model,
      messages: ask("What time is it?"),
      tools: [{ type: "function", function: { name: "now" } }],
      tool_choice: "required",
      parallel_tool_calls: false,
    });
    const [call] = choices[0]?.message.tool_calls ?? [];
    expect(call).toMatchObject({ function: { name: "now" } });
    expect(JSON.parse(call?.type === "function" ? call.function.arguments : "")).toEqual({});
  });

  test("required, and forbidden", async ({ openai }) => {
    const request = { model, messages: ask("Hello!"), tools: [weather, add], temperature: 0 };
    const required = await openai.chat.completions.create({
      ...request,
      tool_choice: "required",
      parallel_tool_calls: false,
    });
    expect(required.choices[0]).toMatchObject({ finish_reason: "tool_calls", message: { tool_calls: [{}] } });
    const none = await openai.chat.completions.create({ ...request, tool_choice: "none" });
    expect(none.choices[0]?.message).not.toHaveProperty("tool_calls");
  });
});
