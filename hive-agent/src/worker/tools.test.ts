import { tokenOf, type Generation, type Tool } from "@rbee/contracts";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { collect, failureOf, generationOf, never, newId, testHive, type TestHive } from "../workers/testing.ts";

/** What a worker process makes of tools, penalties, likelihoods and embeddings, with the real engine and the real model. */

let hive: TestHive;
let worker: string;
beforeAll(async () => {
  hive = await testHive();
  worker = (await hive.supervisor.spawn({ model: "bee-tiny", slots: 2 }, { signal: never })).worker_id;
});
afterAll(async () => hive.end());

const generate = async (fields: Partial<Generation>) =>
  collect(hive.supervisor.generate(worker, { id: newId(), generation: generationOf(fields) }, never));

const tool = (name: string, properties: Record<string, unknown>): Tool => ({
  type: "function",
  function: { name, description: name, parameters: { type: "object", properties, required: Object.keys(properties) } },
});
const weather = tool("get_weather", { city: { type: "string", maxLength: 40 } });
const add = tool("add", { a: { type: "integer" }, b: { type: "integer" } });
const ask = (content: string) => [{ role: "user" as const, content }];

test("the model calls a tool by itself, and the call streams", async () => {
  const { tool_calls, finish_reason, pieces } = await generate({
    messages: ask("What is the weather in Paris?"),
    tools: [weather, add],
  });
  expect(finish_reason).toBe("tool_calls");
  expect(tool_calls).toMatchObject([{ type: "function", function: { name: "get_weather" } }]);
  const parts = pieces.flatMap((piece) => tokenOf(piece).tool_call ?? []);
  expect(parts.length).toBe(pieces.length);
  expect(parts[0]).toMatchObject({ index: 0, id: tool_calls?.[0]?.id, name: "get_weather" });
  expect(parts.map((part) => part.arguments ?? "").join("")).toBe(tool_calls?.[0]?.function.arguments);
});

test.each(["add", "get_weather"])(
  "a call of %s that is asked for comes, with arguments that fit its schema",
  async (name) => {
    const {
      tool_calls = [],
      finish_reason,
      text,
    } = await generate({
      messages: ask("Tell me a story about a bee"),
      tools: [weather, add],
      tool_choice: { type: "function", function: { name } },
      temperature: 1,
      seed: 3,
    });
    expect(finish_reason).toBe("tool_calls");
    expect(tool_calls.map((call) => call.function.name)).toEqual([name]);
    const given = JSON.parse(tool_calls[0]?.function.arguments ?? "") as Record<string, unknown>;
    expect(Object.keys(given)).toEqual(name === "add" ? ["a", "b"] : ["city"]);
    if (name === "add") expect(Number.isInteger(given["a"])).toBe(true);
    expect(text).not.toBe("");
  },
);

test("some call is forced where one is required", async () => {
  const { tool_calls = [], finish_reason } = await generate({
    messages: ask("Hello!"),
    tools: [weather, add],
    tool_choice: "required",
  });
  expect(finish_reason).toBe("tool_calls");
  expect(tool_calls.length).toBeGreaterThan(0);
  for (const call of tool_calls) expect(() => JSON.parse(call.function.arguments)).not.toThrow();
});

test("no call where none is wanted, and what a tool said goes into the prompt", async () => {
  const none = await generate({
    messages: ask("What is the weather in Paris?"),
    tools: [weather],
    tool_choice: "none",
  });
  expect(none.tool_calls).toBeUndefined();
  const call = {
    id: "call_1",
    type: "function" as const,
    function: { name: "get_weather", arguments: '{"city":"Paris"}' },
  };
  const { text, finish_reason, usage } = await generate({
    messages: [
      ...ask("What is the weather in Paris?"),
      { role: "assistant", content: "", tool_calls: [call] },
      { role: "tool", content: '{"weather":"sunny <|end|>","temperature":7}', tool_call_id: "call_1" },
    ],
    tools: [weather],
  });
  expect(finish_reason).toBe("stop");
  expect(text).toMatch(/It is/);
  expect(usage.prompt_tokens).toBeGreaterThan(none.usage.prompt_tokens);
});

test("a call that the model begins by itself keeps to its tool's schema, whatever it was trained on", async () => {
  const unusual = tool("get_weather", { location: { type: "string", maxLength: 40 }, unit: { enum: ["c", "f"] } });
  for (const seed of [1, 2, 3, 4]) {
    const { tool_calls = [] } = await generate({
      messages: ask("What is the weather in Paris?"),
      tools: [unusual, add],
      temperature: 1,
      seed,
    });
    for (const { function: called } of tool_calls) {
      const given = JSON.parse(called.arguments) as Record<string, unknown>;
      expect(Object.keys(given)).toEqual(called.name === "add" ? ["a", "b"] : ["location", "unit"]);
    }
    expect(tool_calls.length).toBeGreaterThan(0);
  }
  const nothing = await generate({
    messages: ask("What time is it in Paris?"),
    tools: [tool("get_time", {}), tool("get_weather", {})],
  });
  for (const call of nothing.tool_calls ?? []) expect(() => JSON.parse(call.function.arguments)).not.toThrow();
});

test("where tools are offered, an answer keeps to its format and a call is still a call", async () => {
  const schema = {
    type: "object",
    properties: { weather: { enum: ["sunny", "cold"] } },
    required: ["weather"],
    additionalProperties: false,
  };
  const offered: Partial<Generation> = {
    tools: [weather],
    response_format: { type: "json_schema", schema, strict: true },
  };
  const question = ask("What is the weather in Paris?");
  const called = await generate({ ...offered, messages: question });
  expect(called.finish_reason).toBe("tool_calls");
  const given = called.tool_calls?.[0]?.function.arguments ?? "";
  expect(JSON.parse(given)).toEqual({ city: expect.any(String) as string });
  const call = {
    id: "call_1",
    type: "function",
    function: { name: "get_weather", arguments: '{"city":"Paris"}' },
  } as const;
  const answered = await generate({
    ...offered,
    messages: [
      ...question,
      { role: "assistant", content: "", tool_calls: [call] },
      { role: "tool", content: '{"weather":"sunny","temperature":7}', tool_call_id: "call_1" },
    ],
  });
  expect(answered.finish_reason).toBe("stop");
  expect(["sunny", "cold"]).toContain((JSON.parse(answered.text) as Record<string, unknown>)["weather"]);
});

test("likelihoods come with every token, and add up", async () => {
  const { pieces, usage, text } = await generate({ messages: ask("What do bees eat?"), logprobs: 3 });
  const likely = pieces.flatMap((piece) => tokenOf(piece).logprobs ?? []);
  expect(likely.length).toBe(usage.completion_tokens);
  expect(likely.map(({ token }) => token).join("")).toBe(text);
  for (const { logprob, top, token } of likely) {
    expect(logprob).toBeLessThanOrEqual(0);
    expect(top.length).toBe(3);
    expect(top[0]?.token).toBe(token);
  }
});

test("penalties change what is said", async () => {
  const story = { prompt: "Once upon a time", raw: true, max_tokens: 120 };
  const plain = await generate(story);
  const varied = await generate({ ...story, frequency_penalty: 2, presence_penalty: 2 });
  expect(varied.text).not.toBe(plain.text);
  const distinct = ({ frames }: { frames: readonly string[] }) => new Set(frames).size / frames.length;
  expect(distinct(varied)).toBeGreaterThan(distinct(plain));
});

test("the stop string that ended it is named", async () => {
  const end = await generate({ prompt: "Once upon a time", raw: true, stop: ["zzz", ","] });
  expect(end).toMatchObject({ finish_reason: "stop", stop: "," });
});

test("a gap is refused by a model that was not made for it", async () => {
  const failed = await failureOf(generate({ prompt: "a", suffix: "b", raw: true }));
  expect(failed.code).toBe("unsupported");
});

const MINI_LM = fileURLToPath(new URL("../../../../shared/models/all-MiniLM-L6-v2.Q8_0.gguf", import.meta.url));
const there = existsSync(MINI_LM);

test.skipIf(!there)(
  `embeddings are those that were published${there ? "" : " (skipped: the model is not there)"}`,
  async () => {
    await hive.addModel("all-MiniLM-L6-v2.Q8_0", await readFile(MINI_LM));
    const embedder = await hive.supervisor.spawn({ model: "all-MiniLM-L6-v2", slots: 2 }, { signal: never });
    const texts = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."];
    const { embeddings, prompt_tokens } = await hive.supervisor.embed(embedder.worker_id, { texts }, never);
    const [a = [], b = [], c = []] = embeddings;
    const dot = (one: readonly number[], other: readonly number[]) =>
      one.reduce((sum, n, i) => sum + n * (other[i] ?? 0), 0);
    expect(a.length).toBe(384);
    expect(prompt_tokens).toBeGreaterThan(15);
    expect(dot(a, a)).toBeCloseTo(1, 4);
    // https://sbert.net/docs/quickstart.html
    expect(Math.abs(dot(a, b) - 0.666)).toBeLessThan(0.01);
    expect(Math.abs(dot(a, c) - 0.1046)).toBeLessThan(0.01);
    expect(Math.abs(dot(b, c) - 0.1411)).toBeLessThan(0.01);
    const tooLong = { texts: ["bee ".repeat(2_000)] };
    const refused = await failureOf(hive.supervisor.embed(embedder.worker_id, tooLong, never));
    expect(refused.code).toBe("context_length_exceeded");
    const cut = await hive.supervisor.embed(embedder.worker_id, { ...tooLong, truncate: true }, never);
    // 512, less one that the engine keeps free.
    expect(cut.prompt_tokens).toBe(511);
    const fits = await hive.supervisor.embed(embedder.worker_id, { texts: ["bee ".repeat(509)] }, never);
    expect(cut.embeddings).toEqual(fits.embeddings);
    const failed = await failureOf(
      collect(
        hive.supervisor.generate(
          embedder.worker_id,
          { id: newId(), generation: generationOf({ prompt: "hi" }) },
          never,
        ),
      ),
    );
    expect(failed.code).toBe("unsupported");
  },
);

test("any model embeds, after a fashion", async () => {
  const { embeddings } = await hive.supervisor.embed(worker, { texts: ["bees", "bees"] }, never);
  expect(embeddings[0]?.length).toBe(128);
  expect(embeddings[1]).toEqual(embeddings[0]);
});
