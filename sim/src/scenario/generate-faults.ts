import type { Fault } from "../faults/plan.ts";
import type { Random } from "../platform/random.ts";

export interface FaultSize {
  /** Faults in one world. */
  readonly most: number;
  /** Frames, calls and commits of a world of this size, and commits of its journals, among which faults choose. */
  readonly frames: number;
  readonly commits: number;
}

interface Bounds {
  readonly size: FaultSize;
  readonly hives: number;
  /** When its jobs are done if nothing breaks: what comes later meets idle machines. */
  readonly done_ms: number;
  /** When several things go wrong at once. */
  readonly storm?: number;
}

/** When no fault begins any more, nor so long after the jobs' end. Each lasts at most `LASTS_MS`. */
const FAULTS_END_MS = 40_000;
const AFTERWARDS_MS = 1_000;
const LASTS_MS = 60_000;

/** Most happen while the first frames fly; a share falls anywhere. */
const time = (random: Random, { storm, done_ms }: Bounds): number => {
  if (storm !== undefined && random.chance(0.7)) return storm + random.between(0, 200);
  const end = Math.min(FAULTS_END_MS, done_ms + AFTERWARDS_MS);
  return random.chance(0.85) ? random.magnitude(50, Math.min(3_000, end)) : random.between(100, end);
};

/** The n-th frame, call or commit of a world. */
const nth = (random: Random, { size }: Bounds): number => random.between(0, size.frames);

const down = (random: Random): number => random.magnitude(10, random.chance(0.1) ? LASTS_MS : 3_000);

type Make = (random: Random, bounds: Bounds) => Fault;

const makers: readonly (readonly [weight: number, Make])[] = [
  [14, (r, b) => ({ kind: r.pick(["drop", "drop", "duplicate", "truncate"]), n: nth(r, b) })],
  [10, (r, b) => ({ kind: r.pick(["stall", "overtaken"]), n: nth(r, b), ms: r.magnitude(5, 20_000) })],
  [10, (r, b) => ({ kind: "commit_lost", n: nth(r, b) })],
  [5, (r, b) => ({ kind: "commit_slow", n: nth(r, b), ms: r.magnitude(5, 3_000) })],
  [8, (r, b) => ({ kind: r.pick(["call_lost", "answer_lost"]), n: nth(r, b) })],
  [5, (r, b) => ({ kind: "call_slow", n: nth(r, b), ms: r.magnitude(5, 10_000) })],
  [
    6,
    (r) => ({
      kind: r.pick(["alarm_late", "alarm_early", "alarm_twice"]),
      n: r.between(0, 8),
      ms: r.magnitude(10, 40_000),
    }),
  ],
  [
    8,
    (r, b) => ({
      kind: r.pick(["crash_before_journal", "crash_after_journal"]),
      n: r.between(0, b.size.commits),
      down_ms: down(r),
      worker_gone: r.chance(0.3),
    }),
  ],
  [12, (r, b) => ({ kind: "cut", at: time(r, b), pick: r.between(0, 9) })],
  [
    7,
    (r, b) => ({
      kind: "half_open",
      at: time(r, b),
      pick: r.between(0, 9),
      client_ms: r.between(10_000, 25_000),
      server_ms: r.chance(0.5) ? r.magnitude(10, LASTS_MS) : undefined,
    }),
  ],
  [10, (r, b) => ({ kind: r.pick(["evict", "evict", "hibernate"]), at: time(r, b), pick: r.between(0, 9) })],
  [3, (r, b) => ({ kind: "deploy", at: time(r, b) })],
  [
    8,
    (r, b) => ({
      kind: "kill",
      at: time(r, b),
      hive: r.between(0, b.hives - 1),
      down_ms: down(r),
      worker_gone: r.chance(0.3),
    }),
  ],
  [6, (r, b) => ({ kind: "power", at: time(r, b), hive: r.between(0, b.hives - 1), down_ms: down(r) })],
  [
    6,
    (r, b) => ({
      kind: r.pick(["pause", "suspend"]),
      at: time(r, b),
      hive: r.between(0, b.hives - 1),
      ms: r.magnitude(100, LASTS_MS),
    }),
  ],
  [
    5,
    (r, b) => ({
      kind: r.pick(["disk_full", "partition"]),
      at: time(r, b),
      hive: r.between(0, b.hives - 1),
      ms: r.magnitude(100, LASTS_MS),
    }),
  ],
  [3, (r, b) => ({ kind: "drain", at: time(r, b), hive: r.between(0, b.hives - 1), down_ms: down(r) })],
  [
    2,
    (r, b) => ({
      kind: "hive_clock",
      at: time(r, b),
      hive: r.between(0, b.hives - 1),
      ms: r.pick([-1, 1]) * r.magnitude(1_000, 86_400_000),
    }),
  ],
  [
    3,
    (r, b) => ({
      kind: "queen_clock",
      at: time(r, b),
      ms: r.pick([-1, 1]) * r.magnitude(1_000, 86_400_000),
      back_ms: r.magnitude(100, LASTS_MS),
    }),
  ],
];

const TOTAL = makers.reduce((sum, [weight]) => sum + weight, 0);

export function generateFaults(random: Random, world: Bounds): Fault[] {
  const bounds = random.chance(0.3)
    ? { ...world, storm: random.magnitude(100, Math.min(20_000, world.done_ms)) }
    : world;
  const count = random.chance(0.3) ? 1 : random.between(1, world.size.most);
  return Array.from({ length: count }, () => {
    let ticket = random.next() * TOTAL;
    const found = makers.find(([weight]) => (ticket -= weight) < 0) ?? makers[0];
    return (found as (typeof makers)[number])[1](random, bounds);
  });
}
