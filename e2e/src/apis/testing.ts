import Anthropic from "@anthropic-ai/sdk";
import { Ollama } from "ollama";
import OpenAI from "openai";
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test as base } from "vitest";
import { z } from "zod";
import { BEE_TINY, House } from "../house.ts";
import { best } from "../../../contracts/src/testing/late.ts";

/** What the tests of all APIs share: a house with real models, other people's clients, and questions with known answers. */

const MINI_LM = fileURLToPath(new URL("../../../../shared/models/all-MiniLM-L6-v2.Q8_0.gguf", import.meta.url));

/** A real embedding model; it is not part of the project. */
export const hasMiniLm = existsSync(MINI_LM);
export const whyNot = hasMiniLm ? "" : " (skipped: ../shared/models has no all-MiniLM-L6-v2)";

interface Fixtures {
  /** A queen and a hive with bee-tiny loaded, and the embedding model on its disk where there is one. */
  readonly house: House;
  readonly openai: OpenAI;
  readonly anthropic: Anthropic;
  readonly ollama: Ollama;
}

const openAi = (house: House): OpenAI => new OpenAI({ baseURL: `${house.url}/v1`, apiKey: house.key, maxRetries: 0 });

/** One house for all tests of a file; a client of its own for each. */
export const test = base.extend<Fixtures>({
  house: [
    // oxlint-disable-next-line no-empty-pattern
    async ({}, use) => {
      const house = await House.open();
      const models = join(house.home, "models");
      mkdirSync(models);
      if (hasMiniLm) copyFileSync(MINI_LM, join(models, "all-MiniLM-L6-v2.Q8_0.gguf"));
      await house.startHive("den", ["--models", models, "--model-file", BEE_TINY, "--preload", "bee-tiny"]);
      await use(house);
      await house.close();
    },
    { scope: "file" },
  ],
  openai: async ({ house }, use) => use(openAi(house)),
  anthropic: async ({ house }, use) => use(new Anthropic({ baseURL: house.url, apiKey: house.key, maxRetries: 0 })),
  ollama: async ({ house }, use) =>
    use(new Ollama({ host: house.url, headers: { authorization: `Bearer ${house.key}` } })),
});

export const model = "bee-tiny";
export const embedder = "all-MiniLM-L6-v2";

export const ask = (content: string) => [{ role: "user" as const, content }];
/** Barely more than the context of bee-tiny: it is refused before the headers of its answer go out by themselves. */
export const tooLong = "bee ".repeat(2_048);
export const question = "What do bees eat?";
/** What bee-tiny says to it at temperature 0. */
export const answer = "Bees eat nectar and pollen from flowers. In the winter they eat honey.";

export const Bee = z.object({ name: z.string().max(20), role: z.enum(["queen", "drone", "worker"]), age: z.int() });

/** A schema whose answer goes on until somebody ends it. */
export const long = { type: "array", items: { type: "string", minLength: 900 }, minItems: 9 };

/** Parameters of the tool `get_weather`. */
export const ofCity = {
  type: "object" as const,
  properties: { city: { type: "string", maxLength: 30 } },
  required: ["city"],
};

/** Published at https://sbert.net/docs/quickstart.html: how near these are to each other. */
export const sentences = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."];
export const published = { first_second: 0.666, first_third: 0.1046, second_third: 0.1411 };

export const cosine = (one: readonly number[], other: readonly number[]): number =>
  one.reduce((sum, number, at) => sum + number * (other[at] ?? 0), 0) / (Math.hypot(...one) * Math.hypot(...other));

/** What a person feels as "at once", with a line between. */
const STOPPED_WITHIN_MS = 2_000;

/** Requests that engines work on. */
export async function busy(house: House): Promise<number> {
  const { workers } = await house.client().run("active_worker_list", {});
  return workers.reduce((sum, worker) => sum + worker.slots_busy, 0);
}

/** Every engine of the house comes to rest, in time. @param leave starts something and leaves it */
export const stopsInTime = (house: House, leave: () => Promise<unknown>): Promise<void> =>
  best(STOPPED_WITHIN_MS, async () => {
    await leave();
    const began = performance.now();
    await expect.poll(async () => busy(house), { timeout: 10_000, interval: 50 }).toBe(0);
    return performance.now() - began;
  });
