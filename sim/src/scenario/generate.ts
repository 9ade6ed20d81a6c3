import { Random } from "../platform/random.ts";
import { directed } from "./families.ts";
import { flood } from "./families-rare.ts";
import { generateFaults, type FaultSize } from "./generate-faults.ts";
import type { HivePlan, JobPlan, ReaderPlan, Scenario } from "./scenario.ts";

/** Share of the worlds that are made to bring about one kind of trouble. */
const DIRECTED = 0.12;
/** Share of those with several hives and many jobs. */
const LARGE = 0.003;
/** Share of the rest that are as small as can be. */
const SMALLEST = 0.85;
/** Share of those that say more than fits through a window at once: each costs as much as twenty others. */
const FLOODED = 0.0007;

/** How much there is of a world's parts, and how many faults strike it. */
interface Size {
  readonly hives: (random: Random) => number;
  readonly jobs: (random: Random) => number;
  readonly tokens: number;
  /** Share of the jobs that say everything at once. */
  readonly hasty: number;
  /** Share of those that somebody cancels, or reads. */
  readonly visited: number;
  readonly faults: FaultSize;
}

/** Most worlds: what two parties and two faults can bring about is found here, and soonest. */
const smallest: Size = {
  hives: () => 1,
  jobs: () => 1,
  tokens: 2,
  hasty: 0.85,
  visited: 0.12,
  faults: { most: 2, frames: 16, commits: 5 },
};
const small: Size = {
  hives: (random) => (random.chance(0.25) ? 2 : 1),
  jobs: (random) => (random.chance(0.12) ? 2 : 1),
  tokens: 4,
  hasty: 0.4,
  visited: 0.2,
  faults: { most: 5, frames: 35, commits: 10 },
};
const large: Size = {
  hives: (random) => random.between(2, 3),
  jobs: (random) => random.between(3, 6),
  tokens: 4,
  hasty: 0.4,
  visited: 0.2,
  faults: { most: 12, frames: 200, commits: 40 },
};

/** One seed's world: mostly small, since faults meet there as well as anywhere, some larger, a few very long. */
export function generate(seed: number): Scenario {
  const random = new Random(seed);
  const family = random.chance(FLOODED) ? flood : random.chance(DIRECTED) ? directed : undefined;
  if (family !== undefined) return { seed, latency_ms: random.pick([1, 5, 20]), outlives: false, ...family(random) };
  const size = random.chance(LARGE) ? large : random.chance(SMALLEST) ? smallest : small;
  const hives = Array.from({ length: size.hives(random) }, () => hive(random));
  const jobs = Array.from({ length: size.jobs(random) }, (_, i) =>
    job(random, { size, hives: hives.length, first: i === 0 }),
  );
  const calm = random.chance(0.04);
  const done_ms = Math.max(...jobs.map(doneBy));
  const faults = calm ? [] : generateFaults(random, { size: size.faults, hives: hives.length, done_ms });
  const outlives = random.chance(0.002);
  return { seed, latency_ms: random.pick([1, 5, 20]), outlives, hives, jobs, faults };
}

const hive = (random: Random): HivePlan => ({
  at: random.chance(0.8) ? 0 : random.magnitude(1, 3_000),
  slots: random.between(1, 2),
  version: random.chance(0.85) ? 2 : 1,
  workers: random.chance(0.85) ? 1 : random.pick([0, 2]),
});

function job(random: Random, world: { size: Size; hives: number; first: boolean }): JobPlan {
  const infers = random.chance(0.85);
  const long = random.chance(0.005);
  const tokens = long ? random.between(20, 60) : random.between(0, world.size.tokens);
  const named = !infers || random.chance(0.2);
  return {
    at: world.first ? 200 : random.magnitude(1, 2_000),
    operation: infers ? "infer" : "model_list",
    hive: named ? random.between(0, world.hives - 1) : undefined,
    tokens: infers ? tokens : random.between(0, 3),
    pace_ms: random.chance(world.size.hasty)
      ? 0
      : random.magnitude(2, long ? 100 : random.chance(0.08) ? 20_000 : 2_000),
    narrates: random.chance(0.2),
    listens: random.chance(0.85),
    fails: random.chance(0.05),
    cancels: random.chance(world.size.visited) ? cancels(random) : [],
    retries: random.chance(0.9),
    continues: infers && random.chance(0.4),
    cancels_on_leave: random.chance(0.1),
    streams: random.chance(0.25),
    readers: Array.from({ length: random.chance(world.size.visited) ? (random.chance(0.1) ? 3 : 1) : 0 }, () =>
      reader(random),
    ),
  };
}

/** When a job is over if nothing breaks. */
const doneBy = ({ at, tokens, pace_ms, cancels }: JobPlan): number => at + Math.max(tokens * pace_ms, 500, ...cancels);

const cancels = (random: Random): number[] =>
  Array.from({ length: random.chance(0.2) ? 2 : 1 }, () => random.magnitude(100, 20_000));

const reader = (random: Random): ReaderPlan => ({
  at: random.magnitude(50, 5_000),
  slow_ms: random.chance(0.1) ? random.magnitude(10, 5_000) : 0,
  drops: random.chance(0.3) ? Array.from({ length: random.between(1, 3) }, () => random.between(0, 4)) : [],
  window: random.chance(0.7) ? undefined : random.magnitude(20, 2_000),
  leaves_after: random.chance(0.05) ? random.between(0, 4) : undefined,
});
