import { atRandom, ours, roundRobin, twoChoices } from "../../queen-edge/src/testing/placement-sim.ts";
import type { Amount } from "./amount.ts";
import { percentiles, type Percentiles } from "./stats.ts";

/**
 * A simulated fleet of 1,000 machines of very different speed at 85 % load, with the same requests for each policy: what the
 * queen does, and what load balancers do that give a request to a machine at once.
 */
export function placementWaits(amount: Amount): Record<"ours" | "two_choices" | "random" | "round_robin", Percentiles> {
  const scene = { hives: 1_000, requests: amount.simulated_requests, seed: 7, load: 0.85 };
  const waits = (policy: typeof ours): Percentiles => percentiles([...policy(scene)]);
  return {
    ours: waits(ours),
    two_choices: waits(twoChoices),
    random: waits(atRandom),
    round_robin: waits(roundRobin),
  };
}
