import type { Fleet } from "./fleet.ts";
import type { Amount } from "./amount.ts";
import { EMBEDDER } from "./models.ts";
import { median } from "./stats.ts";

const TEXTS = 128;

/** Published at https://sbert.net/docs/quickstart.html: how near these are to each other. */
const SENTENCES = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."];
const PUBLISHED = [
  { of: [0, 1], cosine: 0.666 },
  { of: [0, 2], cosine: 0.1046 },
  { of: [1, 2], cosine: 0.1411 },
] as const;

export interface Embedding {
  readonly texts_per_s: number;
  /** The largest difference between a cosine of ours and the published one. */
  readonly off_published: number;
}

export async function embedding(fleet: Fleet, amount: Amount): Promise<Embedding> {
  return { off_published: await offPublished(fleet), texts_per_s: await textsPerSecond(fleet, amount) };
}

async function offPublished({ queen }: Fleet): Promise<number> {
  const vectors = await queen.embed(EMBEDDER, SENTENCES);
  // They are of length 1 each.
  const cosine = (one: number, other: number) =>
    (vectors[one] ?? new Float32Array()).reduce(
      (sum, value, at) => sum + value * (vectors[other]?.[at] ?? Number.NaN),
      0,
    );
  const off = PUBLISHED.map(({ of: [one, other], cosine: published }) => Math.abs(cosine(one, other) - published));
  return Math.round(10_000 * Math.max(...off)) / 10_000;
}

/** Texts per second through `/v1/embeddings`, many in one request: the median of some rounds. */
async function textsPerSecond({ queen }: Fleet, amount: Amount): Promise<number> {
  const rates: number[] = [];
  // The first round warms up.
  for (let round = 0; round <= amount.flood_rounds; round++) {
    const input = Array.from(
      { length: TEXTS },
      (_, n) => `Bee ${n} of round ${round} told the others where flowers are.`,
    );
    const began = performance.now();
    const { length } = await queen.embed(EMBEDDER, input);
    if (length !== TEXTS) throw new Error(`${length} of ${TEXTS} texts have a vector`);
    if (round > 0) rates.push((1_000 * TEXTS) / (performance.now() - began));
  }
  return Math.round(median(rates));
}
