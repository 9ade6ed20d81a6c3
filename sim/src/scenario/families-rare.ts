import type { Fault } from "../faults/plan.ts";
import { HIVE, JOB, type Family } from "./family.ts";

/** Two faults in one order and close together: what chance brings about once in many thousand worlds. */

/** First words are so long under way that their hive is gone, and the job waits for another one. */
export const ghost: Family = (random) => {
  const job = { ...JOB, tokens: 3, pace_ms: random.between(2_000, 4_000) };
  const faults: Fault[] = [
    { kind: "stall", n: random.between(3, 7), ms: random.between(33_000, 55_000) },
    { kind: "kill", at: random.between(6_000, 20_000), hive: 0, down_ms: 60_000, worker_gone: true },
  ];
  return { hives: [HIVE], jobs: [job], faults };
};

/** A hive forgets a job with its power, and the question for another place comes when all is over. */
export const reopened: Family = (random) => {
  const job = { ...JOB, tokens: 1, pace_ms: random.between(600, 1_500) };
  const faults: Fault[] = [
    { kind: "power", at: random.between(230, 500), hive: 0, down_ms: random.between(10, 100) },
    { kind: "call_slow", n: 1, ms: random.between(12_000, 25_000), method: "place" },
  ];
  return { hives: [HIVE], jobs: [job], faults };
};

/** The answer to a question for a place comes late, and the second question later still. */
export const askedAgain: Family = (random) => {
  const job = { ...JOB, tokens: 2, pace_ms: 20_000 };
  const faults: Fault[] = [
    { kind: "power", at: random.between(230, 500), hive: random.between(0, 1), down_ms: random.between(10, 100) },
    { kind: "answer_slow", n: 1, ms: random.between(8_000, 12_000), method: "place" },
    { kind: "call_slow", n: 2, ms: random.between(4_000, 10_000), method: "place" },
  ];
  return { hives: [HIVE, HIVE], jobs: [job], faults };
};

/** A hive is told to leave while it runs a job and another one is on its way to it. */
export const leaving: Family = (random) => {
  const at = random.between(1_000, 2_000);
  const jobs = [
    { ...JOB, tokens: 2, pace_ms: 4_000 },
    { ...JOB, at, tokens: 1 },
  ];
  const drain: Fault = { kind: "drain", at: at + random.between(0, 60), hive: 0, down_ms: 1_000 };
  return { hives: [{ ...HIVE, slots: 2 }], jobs, faults: [drain] };
};

/** More than two windows of text, and a line on which no word comes back. */
export const flood: Family = (random) => {
  const job = { ...JOB, tokens: 2_800 };
  return {
    hives: [HIVE],
    jobs: [job],
    faults: [{ kind: "stall", n: random.between(4, 9), ms: random.between(1_000, 6_000) }],
  };
};

/** The queen's clock goes back for good, and then the hive is gone. */
export const backForGood: Family = (random) => {
  const at = random.between(1_000, 5_000);
  const job = { ...JOB, tokens: 5, pace_ms: 4_000 };
  const faults: Fault[] = [
    { kind: "queen_clock", at, ms: -random.magnitude(200_000, 7_200_000), back_ms: undefined },
    {
      kind: "kill",
      at: at + random.between(-500, 500),
      hive: 0,
      down_ms: 200_000,
      worker_gone: true,
    },
  ];
  return { hives: [HIVE], jobs: [job], faults };
};

/** A lane breaks, and the next one is so long under way that it comes behind the one that was dialled in its place. */
export const lateLane: Family = (random) => {
  const job = { ...JOB, tokens: 6, pace_ms: random.between(4_000, 6_000) };
  const faults: Fault[] = [
    { kind: "cut", at: random.between(500, 2_000), pick: 1 },
    { kind: "call_slow", n: 2, ms: random.between(15_000, 24_000), method: "fetch" },
  ];
  return { hives: [HIVE], jobs: [job], faults };
};

/** A hive is silent until its job is taken from it, and the question for another place is lost. */
export const unanswered: Family = (random) => {
  const job = { ...JOB, tokens: 2, pace_ms: 20_000 };
  const faults: Fault[] = [
    { kind: "pause", at: random.between(300, 2_000), hive: random.between(0, 1), ms: random.between(40_000, 60_000) },
    { kind: random.pick(["call_lost", "answer_lost"]), n: 1, method: "place" },
  ];
  return { hives: [HIVE, HIVE], jobs: [job], faults };
};

/** What an agent said first comes when it was killed, and its next run is welcome. */
export const lateHello: Family = (random) => {
  const faults: Fault[] = [
    { kind: "stall", n: 0, ms: random.between(500, 5_000) },
    { kind: "kill", at: random.between(2, 80), hive: 0, down_ms: random.magnitude(10, 500), worker_gone: false },
  ];
  return { hives: [HIVE], jobs: [{ ...JOB, tokens: 1 }], faults };
};
