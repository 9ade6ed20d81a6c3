import { expect, test } from "vitest";
import { fuzzAgent } from "./agent.ts";
import { fuzz } from "./run.ts";

/** A short run that is the same every time; `npm run fuzz` goes on where this ends. */
const SEED = 20_261_121;

test("malformed frames and requests harm neither the queen nor anybody she serves", async () => {
  const { inputs } = await fuzz({ inputs: 3_000, seed: SEED });
  for (const count of Object.values(inputs)) expect(count).toBeGreaterThan(100);
});

test("malformed frames of a queen do not harm an agent", async () => {
  expect((await fuzzAgent({ inputs: 1_000, seed: SEED })).frames).toBeGreaterThan(500);
});
