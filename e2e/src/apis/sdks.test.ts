import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { ChatOpenAI, OpenAIEmbeddings } from "@langchain/openai";
import { embedMany, generateText, isStepCount, Output, streamText, tool } from "ai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { House } from "../house.ts";
import { cosine, hasMiniLm, openHouse, published, sentences, whyNot } from "./models.ts";

/** Other people's clients, unmodified. */

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

describe("the AI SDK", () => {
  const provider = () =>
    createOpenAICompatible({
      name: "rbee",
      baseURL: `${house.url}/v1`,
      apiKey: house.key,
      includeUsage: true,
      supportsStructuredOutputs: true,
    });

  test("text, whole and streamed, with usage", async () => {
    const whole = await generateText({ model: provider()(model), prompt: question, temperature: 0 });
    expect(whole).toMatchObject({ text: answer, finishReason: "stop" });
    expect(whole.usage.outputTokens).toBeGreaterThan(10);
    const stream = streamText({ model: provider()(model), prompt: question, temperature: 0 });
    let text = "";
    for await (const piece of stream.textStream) text += piece;
    expect(text).toBe(answer);
    expect((await stream.usage).outputTokens).toBe(whole.usage.outputTokens);
  });

  test("objects of a schema", async () => {
    const { output } = await generateText({
      model: provider()(model),
      output: Output.object({ schema: Bee }),
      prompt: "A bee",
      temperature: 0,
    });
    expect(Bee.safeParse(output).success).toBe(true);
  });

  test("tools: called, run, answered", async () => {
    const asked: string[] = [];
    const get_weather = tool({
      description: "Weather of a city",
      inputSchema: z.object({ city: z.string().max(30) }),
      execute: ({ city }) => {
        asked.push(city);
        return { weather: "sunny", temperature: 20 };
      },
    });
    const prompt = "What is the weather in Paris?";
    const settings = {
      model: provider()(model),
      tools: { get_weather },
      prompt,
      temperature: 0,
      stopWhen: isStepCount(3),
    };
    const whole = await generateText(settings);
    expect(asked.length).toBeGreaterThan(0);
    expect(whole.text).toMatch(/^It is/);
    const forced = streamText({
      ...settings,
      stopWhen: isStepCount(1),
      toolChoice: { type: "tool", toolName: "get_weather" },
    });
    for await (const part of forced.fullStream) if (part.type === "error") throw part.error;
    expect((await forced.toolCalls).map(({ toolName }) => toolName)).toEqual(["get_weather"]);
  });

  test.skipIf(!hasMiniLm)(`embeddings${whyNot}`, async () => {
    const { embeddings } = await embedMany({ model: provider().embeddingModel(embedder), values: sentences });
    const [a = [], b = []] = embeddings;
    expect(Math.abs(cosine(a, b) - published.first_second)).toBeLessThan(0.01);
  });

  test("errors", async () => {
    const run = generateText({ model: provider()("nothing"), prompt: "hi", maxRetries: 0 });
    await expect(run).rejects.toMatchObject({ statusCode: 404, message: expect.stringContaining(model) as string });
  });
});

describe("LangChain", () => {
  const chat = () =>
    new ChatOpenAI({
      model,
      apiKey: house.key,
      temperature: 0,
      configuration: { baseURL: `${house.url}/v1` },
      maxRetries: 0,
    });

  test("invoke and stream, with usage", async () => {
    const whole = await chat().invoke(question);
    expect(whole.text).toBe(answer);
    const counted = z.object({ output_tokens: z.int().min(10) }).parse(whole.usage_metadata);
    let text = "";
    let usage: unknown;
    for await (const chunk of await chat().stream(question)) {
      text += chunk.text;
      usage = chunk.usage_metadata ?? usage;
    }
    expect(text).toBe(answer);
    expect(usage).toMatchObject(counted);
  });

  test.each(["jsonSchema", "functionCalling", "jsonMode"] as const)("structured output by %s", async (method) => {
    const prompt = method === "jsonMode" ? "Give me a JSON object with name and age" : "A bee";
    const schema = method === "jsonMode" ? z.object({ name: z.string() }) : Bee;
    const parsed: unknown = await chat().withStructuredOutput(schema, { method, name: "bee" }).invoke(prompt);
    expect(schema.safeParse(parsed).success).toBe(true);
  });

  test.skipIf(!hasMiniLm)(`embeddings${whyNot}`, async () => {
    const embeddings = new OpenAIEmbeddings({
      model: embedder,
      apiKey: house.key,
      configuration: { baseURL: `${house.url}/v1` },
    });
    const [a = [], b = []] = await embeddings.embedDocuments(sentences);
    expect(Math.abs(cosine(a, b) - published.first_second)).toBeLessThan(0.01);
  });
});
