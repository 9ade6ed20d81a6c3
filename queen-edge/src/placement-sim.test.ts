import { expect, test } from "vitest";
import { atRandom, ours, quantileOf, roundRobin, twoChoices } from "./testing/placement-sim.ts";

const SIMULATED_MS = 180_000;

test(
  "1,000 hives, 100,000 requests: almost nobody waits, where a common load balancer lets people wait for minutes",
  { timeout: SIMULATED_MS },
  () => {
    const scene = { hives: 1_000, requests: 100_000, seed: 7, load: 0.85 };
    const mine = ours(scene);
    const [p50, p99 = NaN, most] = [0.5, 0.99, 1].map((part) => quantileOf(mine, part));
    expect(p50).toBe(0);
    for (const policy of [atRandom, roundRobin, twoChoices]) {
      const waits = policy(scene);
      expect(p99).toBeLessThan(quantileOf(waits, 0.99) / 10);
      expect(most).toBeLessThan(quantileOf(waits, 0.99));
    }
  },
);
