import type { Fault } from "../faults/plan.ts";
import { HIVE, JOB, READER, hiveOf, hives, look, pick, type Family } from "./family.ts";
import type { ReaderPlan } from "./scenario.ts";

/** A hive that is silent for longer than its lease, and comes back with words in its hands. */
export const zombie: Family = (random) => {
  const all = hives(random);
  const hive = hiveOf(random, all);
  const at = random.between(250, 6_000);
  const job = {
    ...JOB,
    ...look(random),
    tokens: random.between(2, 5),
    pace_ms: random.magnitude(50, 8_000),
    continues: random.chance(0.6),
    streams: random.chance(0.5),
  };
  const ms = random.between(20_000, 60_000);
  const silences: Fault[] = [
    { kind: "stall", n: random.between(3, 14), ms: random.between(4_000, 60_000) },
    { kind: random.pick(["pause", "suspend"]), at, hive, ms },
    { kind: "half_open", at, pick: pick(random), client_ms: random.between(10_000, 25_000), server_ms: undefined },
    { kind: "half_open", at, pick: pick(random), client_ms: random.between(10_000, 25_000), server_ms: 10 },
    { kind: "partition", at, hive, ms },
  ];
  const more: Fault[] = [
    { kind: "cut", at: at + random.magnitude(1, 40_000), pick: pick(random) },
    { kind: "evict", at: at + random.magnitude(1, 40_000), pick: pick(random) },
    { kind: "stall", n: random.between(3, 20), ms: random.between(4_000, 60_000) },
  ];
  const faults = [random.pick(silences), ...(random.chance(0.4) ? [random.pick(more)] : [])];
  return { hives: all, jobs: [job], faults };
};

/** Much is shown that is not durable when the object is lost, and its hive is late or gone. */
export const lostTail: Family = (random) => {
  const at = random.between(250, 1_500);
  const job = {
    ...JOB,
    tokens: random.between(4, 16),
    pace_ms: random.between(15, 90),
    streams: random.chance(0.5),
    readers: [{ ...READER, window: random.chance(0.8) ? undefined : random.magnitude(50, 2_000) }],
    cancels: random.chance(0.3) ? [at + random.between(0, 300)] : [],
  };
  const away = random.chance(0.3) ? 60_000 : random.between(1_500, 8_000);
  const gone: Fault[] = [
    { kind: "pause", at: at + random.between(-20, 30), hive: 0, ms: away },
    { kind: "kill", at: at + random.between(-20, 30), hive: 0, down_ms: away, worker_gone: random.chance(0.2) },
    { kind: "partition", at: at + random.between(-20, 30), hive: 0, ms: away },
  ];
  const lost: Fault[] = random.chance(0.7)
    ? [{ kind: random.pick(["evict", "hibernate"]), at, pick: pick(random) }]
    : [];
  return { hives: [HIVE], jobs: [job], faults: [...lost, random.pick(gone)] };
};

/** The queen's clock jumps while a lease runs, or a cancel. */
export const jumpingClock: Family = (random) => {
  const at = random.magnitude(300, 60_000);
  const job = {
    ...JOB,
    tokens: random.between(2, 5),
    pace_ms: random.between(500, 8_000),
    listens: random.chance(0.5),
    cancels: random.chance(0.3) ? [Math.max(1, at - random.between(0, 9_000))] : [],
  };
  const ms = random.pick([-1, 1]) * random.magnitude(10_000, 7_200_000);
  const jump: Fault = {
    kind: "queen_clock",
    at,
    ms,
    back_ms: random.chance(0.7) ? undefined : random.magnitude(100, 60_000),
  };
  const near = Math.max(250, at + random.between(-9_000, 9_000));
  const more: Fault[] = [
    { kind: "kill", at: near, hive: 0, down_ms: random.pick([60_000, 200_000]), worker_gone: random.chance(0.3) },
    {
      kind: "half_open",
      at: near,
      pick: pick(random),
      client_ms: random.between(10_000, 25_000),
      server_ms: undefined,
    },
    { kind: "evict", at: near, pick: pick(random) },
  ];
  return { hives: [HIVE], jobs: [job], faults: [jump, ...(random.chance(0.6) ? [random.pick(more)] : [])] };
};

/** Everything is said more than once. */
export const repeated: Family = (random) => {
  const at = random.between(250, 1_500);
  const job = {
    ...JOB,
    ...look(random),
    fails: random.chance(0.4),
    continues: random.chance(0.4),
    tokens: random.between(0, 6),
    pace_ms: random.chance(0.5) ? 0 : random.magnitude(10, 500),
  };
  const faults: Fault[] = Array.from({ length: random.between(1, 4) }, () =>
    random.chance(0.4)
      ? { kind: "repeated", n: random.between(0, 6), ms: random.magnitude(5, 5_000) }
      : { kind: random.pick(["doubled", "doubled", "duplicate"]), n: random.between(2, 10) },
  );
  const drain: Fault[] = random.chance(0.4)
    ? [{ kind: "drain", at: random.pick([150, 199, at]), hive: 0, down_ms: random.magnitude(10, 3_000) }]
    : [];
  return { hives: hives(random), jobs: [job], faults: [...faults, ...drain] };
};

/** A machine loses power, and with it what it had said last. */
export const power: Family = (random) => {
  const at = random.between(250, 1_500);
  const job = {
    ...JOB,
    ...look(random),
    tokens: random.between(2, 8),
    pace_ms: random.magnitude(10, 500),
    readers: random.chance(0.5) ? [READER] : [],
  };
  const more: Fault[] = [
    { kind: "evict", at, pick: pick(random) },
    { kind: "doubled", n: random.between(4, 20) },
    { kind: "disk_full", at: at - 100, hive: 0, ms: random.magnitude(50, 3_000) },
    { kind: "cut", at, pick: pick(random) },
  ];
  const lost: Fault = { kind: "power", at, hive: 0, down_ms: random.magnitude(10, 3_000) };
  return { hives: [HIVE], jobs: [job], faults: [lost, ...(random.chance(0.4) ? [random.pick(more)] : [])] };
};

/** Readers that come and go, fall behind, and ask for what will never be. */
export const reading: Family = (random) => {
  const reader = (): ReaderPlan => ({
    at: random.magnitude(201, 4_000),
    slow_ms: random.chance(0.3) ? random.magnitude(5, 2_000) : 0,
    drops: Array.from({ length: random.between(0, 3) }, () => random.between(0, 6)),
    window: random.chance(0.5) ? undefined : random.magnitude(20, 2_000),
    leaves_after: undefined,
    ahead: random.chance(0.15),
  });
  const job = {
    ...JOB,
    tokens: random.between(2, 10),
    pace_ms: random.between(5, 200),
    continues: random.chance(0.2),
    streams: random.chance(0.5),
    cancels_on_leave: random.chance(0.1),
    readers: Array.from({ length: random.between(1, 2) }, reader),
  };
  const at = random.between(300, 5_000);
  const more: Fault[] = [
    { kind: random.pick(["evict", "hibernate"]), at, pick: pick(random) },
    { kind: "cut", at, pick: pick(random) },
    { kind: "kill", at, hive: 0, down_ms: random.between(500, 6_000), worker_gone: false },
  ];
  return { hives: [HIVE], jobs: [job], faults: random.chance(0.7) ? [random.pick(more)] : [] };
};
