import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { ChatOpenAI, OpenAIEmbeddings } from "@langchain/openai";
import { embedMany, generateText, isStepCount, Output, streamText, tool } from "ai";
import { describe, expect } from "vitest";
import { z } from "zod";
import type { House } from "../house.ts";
import {
  answer,
  Bee,
  cosine,
  embedder,
  hasMiniLm,
  model,
  published,
  question,
  sentences,
  test,
  whyNot,
} from "./testing.ts";

/** Other people's clients, unmodified. */

describe("the AI SDK", () => {
  const provider = (house: House) =>
    createOpenAICompatible({
      name: "rbee",
      baseURL: `${house.url}/v1`,
      apiKey: house.key,
      includeUsage: true,
      supportsStructuredOutputs: true,
    });

  test("text, whole and streamed, with usage", async ({ house }) => {
    const whole = await generateText({ model: provider(house)(model), prompt: question, temperature: 0 });
    expect(whole).toMatchObject({ text: answer, finishReason: "stop" });
    expect(whole.usage.outputTokens).toBeGreaterThan(10);
    const stream = streamText({ model: provider(house)(model), prompt: question, temperature: 0 });
    let text = "";
    for await (const piece of stream.textStream) text += piece;
    expect(text).toBe(answer);
    expect((await stream.usage).outputTokens).toBe(whole.usage.outputTokens);
  });

  test("objects of a schema", async ({ house }) => {
    const { output } = await generateText({
      model: provider(house)(model),
      output: Output.object({ schema: Bee }),
      prompt: "A bee",
      temperature: 0,
    });
    expect(Bee.safeParse(output).success).toBe(true);
  });

  test("tools: called, run, answered", async ({ house }) => {
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
      model: provider(house)(model),
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

  test.skipIf(!hasMiniLm)(`embeddings${whyNot}`, async ({ house }) => {
    const { embeddings } = await embedMany({ model: provider(house).embeddingModel(embedder), values: sentences });
    const [a = [], b = []] = embeddings;
    expect(Math.abs(cosine(a, b) - published.first_second)).toBeLessThan(0.01);
  });

  test("errors", async ({ house }) => {
    const run = generateText({ model: provider(house)("nothing"), prompt: "hi", maxRetries: 0 });
    await expect(run).rejects.toMatchObject({ statusCode: 404, message: expect.stringContaining(model) as string });
  });
});

describe("LangChain", () => {
  const chat = (house: House) =>
    new ChatOpenAI({
      model,
      apiKey: house.key,
      temperature: 0,
      configuration: { baseURL: `${house.url}/v1` },
      maxRetries: 0,
    });

  test("invoke and stream, with usage", async ({ house }) => {
    const whole = await chat(house).invoke(question);
    expect(whole.text).toBe(answer);
    const counted = z.object({ output_tokens: z.int().min(10) }).parse(whole.usage_metadata);
    let text = "";
    let usage: unknown;
    for await (const chunk of await chat(house).stream(question)) {
      text += chunk.text;
      usage = chunk.usage_metadata ?? usage;
    }
    expect(text).toBe(answer);
    expect(usage).toMatchObject(counted);
  });

  test.for(["jsonSchema", "functionCalling", "jsonMode"] as const)(
    "structured output by %s",
    async (method, { house }) => {
      const prompt = method === "jsonMode" ? "Give me a JSON object with name and age" : "A bee";
      const schema = method === "jsonMode" ? z.object({ name: z.string() }) : Bee;
      const parsed: unknown = await chat(house).withStructuredOutput(schema, { method, name: "bee" }).invoke(prompt);
      expect(schema.safeParse(parsed).success).toBe(true);
    },
  );

  test.skipIf(!hasMiniLm)(`embeddings${whyNot}`, async ({ house }) => {
    const embeddings = new OpenAIEmbeddings({
      model: embedder,
      apiKey: house.key,
      configuration: { baseURL: `${house.url}/v1` },
    });
    const [a = [], b = []] = await embeddings.embedDocuments(sentences);
    expect(Math.abs(cosine(a, b) - published.first_second)).toBeLessThan(0.01);
  });
});
