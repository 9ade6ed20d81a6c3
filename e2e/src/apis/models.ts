import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BEE_TINY, House } from "../house.ts";

const MINI_LM = fileURLToPath(new URL("../../../../shared/models/all-MiniLM-L6-v2.Q8_0.gguf", import.meta.url));

/** A real embedding model; it is not part of the project. */
export const hasMiniLm = existsSync(MINI_LM);
export const whyNot = hasMiniLm ? "" : " (skipped: ../shared/models has no all-MiniLM-L6-v2)";

/** A queen and a hive with bee-tiny loaded, and the embedding model on its disk where there is one. */
export async function openHouse(): Promise<House> {
  const house = await House.open();
  const models = join(house.home, "models");
  mkdirSync(models);
  if (hasMiniLm) copyFileSync(MINI_LM, join(models, "all-MiniLM-L6-v2.Q8_0.gguf"));
  await house.startHive("den", ["--models", models, "--model-file", BEE_TINY, "--preload", "bee-tiny"]);
  return house;
}

/** Published at https://sbert.net/docs/quickstart.html: how near these are to each other. */
export const sentences = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."];
export const published = { first_second: 0.666, first_third: 0.1046, second_third: 0.1411 };

export const cosine = (one: readonly number[], other: readonly number[]): number =>
  one.reduce((sum, number, at) => sum + number * (other[at] ?? 0), 0) / (Math.hypot(...one) * Math.hypot(...other));
