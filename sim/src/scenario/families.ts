import type { Fault } from "../faults/plan.ts";
import type { Random } from "../platform/random.ts";
import type { HivePlan, JobPlan, ReaderPlan, Scenario } from "./scenario.ts";

type World = Pick<Scenario, "hives" | "jobs" | "faults">;
type Family = (random: Random) => World;

const HIVE: HivePlan = { at: 0, slots: 1, workers: 1, version: 2 };
const JOB: JobPlan = {
  at: 200,
  operation: "infer",
  hive: undefined,
  tokens: 3,
  pace_ms: 0,
  narrates: false,
  listens: true,
  fails: false,
  cancels: [],
  retries: true,
  continues: false,
  cancels_on_leave: false,
  streams: false,
  readers: [],
};
const READER: ReaderPlan = { at: 250, slow_ms: 0, drops: [], window: undefined, leaves_after: undefined };

const hives = (random: Random): HivePlan[] => Array.from({ length: random.between(1, 2) }, () => HIVE);
const hiveOf = (random: Random, { length }: readonly HivePlan[]): number => random.between(0, length - 1);
const pick = (random: Random): number => random.between(0, 9);

/** An operation of a hive that runs as often as it must, and can be told from its text when it ran. */
const look = (random: Random): Partial<JobPlan> =>
  random.chance(0.3) ? { operation: "model_list", hive: 0 } : { narrates: random.chance(0.6) };

/** A hive that is silent for longer than its lease, and comes back with words in its hands. */
const zombie: Family = (random) => {
  const all = hives(random);
  const hive = hiveOf(random, all);
  const at = random.between(250, 6_000);
  const job = {
    ...JOB,
    ...look(random),
    tokens: random.between(3, 40),
    pace_ms: random.magnitude(50, 4_000),
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
const lostTail: Family = (random) => {
  const at = random.between(400, 4_000);
  const job = {
    ...JOB,
    tokens: random.between(20, 120),
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
const jumpingClock: Family = (random) => {
  const at = random.magnitude(300, 60_000);
  const job = {
    ...JOB,
    tokens: random.between(3, 30),
    pace_ms: random.between(500, 4_000),
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

/** Somebody cancels while the job runs, and the line to its hive is what it is. */
const cancelled: Family = (random) => {
  const wanted = random.magnitude(200, 8_000);
  const job = {
    ...JOB,
    tokens: random.between(3, 20),
    pace_ms: random.magnitude(300, 20_000),
    listens: random.chance(0.6),
    cancels: random.chance(0.2) ? [wanted, wanted + 3_000] : [wanted],
    streams: random.chance(0.3),
  };
  const at = Math.max(210, JOB.at + wanted + random.between(-600, 600));
  const more: Fault[] = [
    { kind: "cut", at, pick: pick(random) },
    {
      kind: "half_open",
      at,
      pick: pick(random),
      client_ms: random.between(10_000, 25_000),
      server_ms: random.pick([10, undefined]),
    },
    { kind: "partition", at, hive: 0, ms: random.between(5_000, 30_000) },
    { kind: "kill", at, hive: 0, down_ms: random.magnitude(10, 30_000), worker_gone: false },
    { kind: "drop", n: random.between(2, 12) },
  ];
  // Nobody can be told until the lane is back.
  const both: Fault[] = [
    { kind: "cut", at: at - 5, pick: 1 },
    { kind: "cut", at: at - 5, pick: 0 },
    { kind: "cut", at: at - 5, pick: 2 },
  ];
  const faults = random.chance(0.3) ? both : random.chance(0.7) ? [random.pick(more)] : [];
  return { hives: [HIVE], jobs: [job], faults };
};

/** Jobs are given away again and again, and the news of it comes late, twice or not at all. */
const replaced: Family = (random) => {
  const late = random.chance(0.5);
  const all = [
    { ...HIVE, at: late ? random.magnitude(300, 9_000) : 0 },
    { ...HIVE, at: late ? random.magnitude(300, 9_000) : 0 },
  ];
  const jobs = Array.from({ length: random.between(1, 3) }, (_, i) => ({
    ...JOB,
    at: 200 + i * random.magnitude(1, 6_000),
    hive: random.chance(0.2) ? 0 : undefined,
    tokens: random.between(0, 6),
    pace_ms: random.magnitude(20, 5_000),
    continues: random.chance(0.5),
    streams: random.chance(0.2),
  }));
  const slow = (method: string, n: number): Fault => ({
    kind: random.pick(["call_slow", "answer_slow"]),
    n,
    ms: random.between(2_000, 25_000),
    method,
  });
  const one = (): Fault =>
    random.pick<Fault>([
      { kind: "call_slow", n: random.between(1, 25), ms: random.between(1_000, 25_000) },
      { kind: "call_slow", n: random.between(1, 25), ms: random.between(1_000, 25_000) },
      { kind: random.pick(["call_lost", "answer_lost"]), n: random.between(1, 25) },
      slow("place", random.between(0, 3)),
      slow("notThere", 0),
      slow("decide", random.between(0, 2)),
      { kind: "stall", n: random.between(0, 10), ms: random.between(500, 8_000) },
      { kind: "overtaken", n: random.between(2, 8), ms: random.between(5_000, 25_000) },
      { kind: "drop", n: random.between(2, 8) },
      {
        kind: "kill",
        at: random.magnitude(202, 9_000),
        hive: random.between(0, 1),
        down_ms: random.magnitude(10, 4_000),
        worker_gone: random.chance(0.3),
      },
      { kind: "cut", at: random.magnitude(202, 9_000), pick: pick(random) },
      { kind: "alarm_early", n: random.between(0, 6), ms: random.magnitude(1_000, 60_000) },
    ]);
  return { hives: all, jobs, faults: Array.from({ length: random.between(2, 5) }, one) };
};

/** Everything is said more than once. */
const repeated: Family = (random) => {
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
const power: Family = (random) => {
  const at = random.between(250, 3_000);
  const job = {
    ...JOB,
    ...look(random),
    tokens: random.between(3, 60),
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
const reading: Family = (random) => {
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
    tokens: random.between(3, 80),
    pace_ms: random.between(5, 200),
    continues: random.chance(0.2),
    streams: random.chance(0.5),
    cancels_on_leave: random.chance(0.1),
    readers: Array.from({ length: random.between(1, 3) }, reader),
  };
  const at = random.between(300, 5_000);
  const more: Fault[] = [
    { kind: random.pick(["evict", "hibernate"]), at, pick: pick(random) },
    { kind: "cut", at, pick: pick(random) },
    { kind: "kill", at, hive: 0, down_ms: random.between(500, 6_000), worker_gone: false },
  ];
  return { hives: [HIVE], jobs: [job], faults: random.chance(0.7) ? [random.pick(more)] : [] };
};

/** An operation that comes when its job has long been given away again. */
const lateOperation: Family = (random) => {
  const job = {
    ...JOB,
    tokens: random.between(3, 20),
    pace_ms: random.between(200, 3_000),
    narrates: random.chance(0.3),
    continues: random.chance(0.3),
  };
  const late: Fault = {
    kind: "overtaken",
    n: random.chance(0.8) ? 2 : random.between(2, 12),
    ms: random.between(8_000, 25_000),
  };
  const more: Fault[] = [
    {
      kind: "half_open",
      at: random.between(1_000, 9_000),
      pick: 1,
      client_ms: random.between(10_000, 25_000),
      server_ms: 10,
    },
    { kind: "cut", at: random.between(210, 12_000), pick: pick(random) },
    { kind: random.pick(["replayed", "outdated"]), at: random.between(100, 9_000), hive: 0 },
  ];
  return { hives: [HIVE], jobs: [job], faults: [late, ...(random.chance(0.5) ? [random.pick(more)] : [])] };
};

const families: readonly Family[] = [
  zombie,
  zombie,
  lostTail,
  jumpingClock,
  cancelled,
  replaced,
  replaced,
  lateOperation,
  repeated,
  power,
  reading,
];

/** A world in which one kind of trouble is likely. */
export const directed = (random: Random): World => random.pick(families)(random);
