import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Fleet } from "./fleet.ts";
import type { Amount } from "./scenarios.ts";
import { median } from "./stats.ts";

export const EMBEDDER = "all-MiniLM-L6-v2";

/** A real embedding model; it is not part of the project. */
export const embedderFile = fileURLToPath(
  new URL("../../../shared/models/all-MiniLM-L6-v2.Q8_0.gguf", import.meta.url),
);
export const hasEmbedder = existsSync(embedderFile);

const TEXTS = 256;

/** Texts per second through `/v1/embeddings`, many in one request: the median of some rounds. */
export async function textsPerSecond({ queen }: Fleet, amount: Amount): Promise<number> {
  const rates: number[] = [];
  // The first round warms up.
  for (let round = 0; round <= amount.flood_rounds; round++) {
    const input = Array.from(
      { length: TEXTS },
      (_, n) => `Bee ${n} of round ${round} told the others where flowers are.`,
    );
    const began = performance.now();
    const vectors = await queen.embed(EMBEDDER, input);
    if (vectors !== TEXTS) throw new Error(`${vectors} of ${TEXTS} texts have a vector`);
    if (round > 0) rates.push((1_000 * TEXTS) / (performance.now() - began));
  }
  return Math.round(median(rates));
}
