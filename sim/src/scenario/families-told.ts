import type { Fault } from "../faults/plan.ts";
import { HIVE, JOB, pick, type Family } from "./family.ts";

/** Somebody cancels while the job runs, and the line to its hive is what it is. */
export const cancelled: Family = (random) => {
  const wanted = random.magnitude(200, 8_000);
  const job = {
    ...JOB,
    tokens: random.between(2, 5),
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
export const replaced: Family = (random) => {
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

/** An operation that comes when its job has long been given away again. */
export const lateOperation: Family = (random) => {
  const job = {
    ...JOB,
    tokens: random.between(2, 4),
    pace_ms: random.between(200, 6_000),
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

/** A cancel comes while no line is up; the first that is must bring it. */
export const unheard: Family = (random) => {
  const wanted = random.between(500, 4_000);
  const at = JOB.at + wanted - random.between(1, 12);
  const cuts: Fault[] = [0, 1, 2].map((index) => ({ kind: "cut", at, pick: index }));
  const job = { ...JOB, tokens: 4, pace_ms: random.between(4_000, 9_000), cancels: [wanted] };
  return { hives: [HIVE], jobs: [job], faults: cuts };
};

/** A hive comes back without the job, and the news of it is so late that another one has it. */
export const lateNews: Family = (random) => {
  const job = { ...JOB, tokens: 5, pace_ms: random.between(3_000, 8_000), continues: random.chance(0.3) };
  const faults: Fault[] = [
    { kind: "drop", n: 4 },
    {
      kind: "kill",
      at: random.between(300, 1_500),
      hive: random.between(0, 1),
      down_ms: random.magnitude(10, 500),
      worker_gone: false,
    },
    { kind: "call_slow", n: 0, ms: random.between(7_000, 20_000), method: "notThere" },
  ];
  return { hives: [HIVE, HIVE], jobs: [job], faults };
};

/** A place is told so late that the job was there, was lost, and asks again. */
export const lateDecision: Family = (random) => {
  const job = { ...JOB, tokens: 2, pace_ms: 20_000, narrates: random.chance(0.5) };
  const faults: Fault[] = [
    { kind: "power", at: random.between(250, 500), hive: 0, down_ms: random.between(10, 100) },
    { kind: "answer_slow", n: 1, ms: random.between(9_000, 20_000), method: "place" },
    { kind: "power", at: random.between(8_800, 11_000), hive: 0, down_ms: random.magnitude(100, 3_000) },
    { kind: random.pick(["call_slow", "answer_slow"]), n: 3, ms: random.between(2_000, 10_000), method: "place" },
  ];
  return { hives: [HIVE], jobs: [job], faults };
};
