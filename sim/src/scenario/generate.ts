import { Random } from "../platform/random.ts";
import { directed } from "./families.ts";
import { flood } from "./families-rare.ts";
import { generateFaults } from "./generate-faults.ts";
import type { HivePlan, JobPlan, ReaderPlan, Scenario } from "./scenario.ts";

/** Share of the worlds that are made to bring about one kind of trouble. */
const DIRECTED = 0.3;
/** Share of those that say more than fits through a window at once: each costs as much as twenty others. */
const FLOODED = 0.0007;

/** One seed's world: mostly small, since faults meet there as well as anywhere, some larger, a few very long. */
export function generate(seed: number): Scenario {
  const random = new Random(seed);
  const family = random.chance(FLOODED) ? flood : random.chance(DIRECTED) ? directed : undefined;
  if (family !== undefined) return { seed, latency_ms: random.pick([1, 5, 20]), outlives: false, ...family(random) };
  const large = random.chance(0.004);
  const hives = Array.from({ length: large ? random.between(2, 3) : random.chance(0.2) ? 2 : 1 }, () => hive(random));
  const count = large ? random.between(3, 6) : random.chance(0.08) ? 2 : 1;
  const jobs = Array.from({ length: count }, (_, i) => job(random, { hives: hives.length, first: i === 0 }));
  const calm = random.chance(0.05);
  const faults = calm ? [] : generateFaults(random, { hives: hives.length, large });
  const outlives = random.chance(0.002);
  return { seed, latency_ms: random.pick([1, 5, 20]), outlives, hives, jobs, faults };
}

const hive = (random: Random): HivePlan => ({
  at: random.chance(0.8) ? 0 : random.magnitude(1, 3_000),
  slots: random.between(1, 2),
  version: random.chance(0.85) ? 2 : 1,
  workers: random.chance(0.85) ? 1 : random.pick([0, 2]),
});

function job(random: Random, world: { hives: number; first: boolean }): JobPlan {
  const infers = random.chance(0.85);
  const long = random.chance(0.01);
  const tokens = long ? random.between(20, 100) : random.between(0, 4);
  const named = !infers || random.chance(0.2);
  return {
    at: world.first ? 200 : random.magnitude(1, 2_000),
    operation: infers ? "infer" : "model_list",
    hive: named ? random.between(0, world.hives - 1) : undefined,
    tokens: infers ? tokens : random.between(0, 3),
    pace_ms: random.chance(0.3) ? 0 : random.magnitude(2, long ? 100 : random.chance(0.08) ? 20_000 : 2_000),
    narrates: random.chance(0.2),
    listens: random.chance(0.85),
    fails: random.chance(0.05),
    cancels: random.chance(0.2) ? cancels(random) : [],
    retries: random.chance(0.9),
    continues: infers && random.chance(0.4),
    cancels_on_leave: random.chance(0.1),
    streams: random.chance(0.25),
    readers: Array.from({ length: random.chance(0.2) ? 1 : random.chance(0.03) ? 3 : 0 }, () => reader(random)),
  };
}

const cancels = (random: Random): number[] =>
  Array.from({ length: random.chance(0.2) ? 2 : 1 }, () => random.magnitude(100, 20_000));

const reader = (random: Random): ReaderPlan => ({
  at: random.magnitude(50, 5_000),
  slow_ms: random.chance(0.1) ? random.magnitude(10, 5_000) : 0,
  drops: random.chance(0.3) ? Array.from({ length: random.between(1, 3) }, () => random.between(0, 4)) : [],
  window: random.chance(0.7) ? undefined : random.magnitude(20, 2_000),
  leaves_after: random.chance(0.05) ? random.between(0, 4) : undefined,
});
