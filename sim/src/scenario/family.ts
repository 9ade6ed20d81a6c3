import type { Random } from "../platform/random.ts";
import type { HivePlan, JobPlan, ReaderPlan, Scenario } from "./scenario.ts";

export type World = Pick<Scenario, "hives" | "jobs" | "faults">;
export type Family = (random: Random) => World;

export const HIVE: HivePlan = { at: 0, slots: 1, workers: 1, version: 2 };
export const JOB: JobPlan = {
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
export const READER: ReaderPlan = { at: 250, slow_ms: 0, drops: [], window: undefined, leaves_after: undefined };

export const hives = (random: Random): HivePlan[] => Array.from({ length: random.between(1, 2) }, () => HIVE);
export const hiveOf = (random: Random, { length }: readonly HivePlan[]): number => random.between(0, length - 1);
export const pick = (random: Random): number => random.between(0, 9);

/** An operation of a hive that runs as often as it must, and can be told from its text when it ran. */
export const look = (random: Random): Partial<JobPlan> =>
  random.chance(0.3) ? { operation: "model_list", hive: 0 } : { narrates: random.chance(0.6) };
