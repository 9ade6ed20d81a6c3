import { limits } from "@rbee/contracts";
import type { FinishedLine } from "./finished.ts";

/** Upper bounds of histogram buckets, in seconds: from a token that was cached to a job that waited a day. */
export const bucketBounds = [
  0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3_600, 14_400, 86_400,
] as const;

export interface Histogram {
  /** Observations per bucket, not cumulative; the last bucket has no bound. */
  readonly buckets: number[];
  sum: number;
}

type Counts = Record<string, number>;

const noObservations: readonly number[] = [...bucketBounds, Infinity].map(() => 0);

/** What only ever grows. One small row, whatever the number of jobs; every label has few values. */
export interface Counters {
  /** Number of the last line of the history that is counted here. */
  n: number;
  /** By `<operation> <state>`. */
  readonly finished: Counts;
  /** By error code. */
  readonly errors: Counts;
  readonly refused: Counts;
  /** By why they were placed there. */
  readonly placed: Counts;
  redispatched: number;
  /** By model: prompt, cached, completion. */
  readonly tokens: Record<string, [number, number, number]>;
  readonly wait_s: Histogram;
  readonly ttft_s: Histogram;
  readonly duration_s: Histogram;
  loads: number;
  unloads: number;
  /** Of the unloads those that a hive decided on: workers idle for their time, and those whose memory was needed. */
  readonly stops: Stops;
}

export interface Stops {
  idle: number;
  memory: number;
}

/** What a hive counts from the start of its agent. @returns what came to it since it last told */
export const stopsSince = (before: Stops = noStops, now: Stops = noStops): Stops => ({
  idle: now.idle - (before.idle > now.idle ? 0 : before.idle),
  memory: now.memory - (before.memory > now.memory ? 0 : before.memory),
});

const noStops: Stops = { idle: 0, memory: 0 };

const newHistogram = (): Histogram => ({ buckets: [...noObservations], sum: 0 });

export const newCounters = (): Counters => ({
  n: 0,
  finished: {},
  errors: {},
  refused: {},
  placed: {},
  redispatched: 0,
  tokens: {},
  wait_s: newHistogram(),
  ttft_s: newHistogram(),
  duration_s: newHistogram(),
  loads: 0,
  unloads: 0,
  stops: { ...noStops },
});

export function bump(counts: Counts, name: string, by = 1): void {
  counts[name] = (Object.hasOwn(counts, name) ? (counts[name] ?? 0) : 0) + by;
}

function observe(histogram: Histogram, ms: number): void {
  const seconds = Math.max(0, ms) / 1_000;
  const bucket = bucketBounds.findIndex((bound) => seconds <= bound);
  const at = bucket < 0 ? bucketBounds.length : bucket;
  histogram.buckets[at] = (histogram.buckets[at] ?? 0) + 1;
  histogram.sum += seconds;
}

/** What the models beyond those that have figures of their own are called. */
export const OTHERS = "other";

/** One ended job. */
export function countJob(counters: Counters, { n, line }: FinishedLine): void {
  const { operation, state, error_code, submitted_at, finished_at = submitted_at, account } = line;
  counters.n = n;
  bump(counters.finished, `${operation} ${state}`);
  if (error_code !== undefined) bump(counters.errors, error_code);
  if (account === undefined) return;
  const { placed_at, how, dispatches = 0, generation_ms, model = line.model } = account;
  if (how !== undefined) bump(counters.placed, how);
  counters.redispatched += Math.max(0, dispatches - 1);
  if (line.model === undefined || model === undefined) return;
  const full = Object.keys(counters.tokens).length >= limits.metrics_models_max;
  const name = full && !Object.hasOwn(counters.tokens, model) ? OTHERS : model;
  const [prompt, cached, completion] = counters.tokens[name] ?? [0, 0, 0];
  const { prompt_tokens = 0, cached_tokens = 0, completion_tokens = 0 } = account;
  counters.tokens[name] = [prompt + prompt_tokens, cached + cached_tokens, completion + completion_tokens];
  observe(counters.duration_s, finished_at - submitted_at);
  if (placed_at !== undefined) observe(counters.wait_s, placed_at - submitted_at);
  // Of an answer that several hives made, nobody knows when it began.
  if (generation_ms !== undefined && dispatches === 1)
    observe(counters.ttft_s, finished_at - submitted_at - generation_ms);
}
