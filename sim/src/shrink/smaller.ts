import type { JobPlan, ReaderPlan, Scenario } from "../scenario/scenario.ts";

/** Scenarios a step simpler than this one, the greatest steps first. */
export function* smaller(scenario: Scenario): Generator<Scenario, void> {
  const { hives, jobs, faults } = scenario;
  for (const kept of without(faults)) yield { ...scenario, faults: kept };
  if (jobs.length > 1) for (const kept of without(jobs)) yield { ...scenario, jobs: kept };
  if (hives.length > 1) yield { ...scenario, hives: hives.slice(0, -1) };
  for (const [i, job] of jobs.entries())
    for (const simple of simplerJobs(job)) yield { ...scenario, jobs: jobs.with(i, simple) };
  for (const [i, hive] of hives.entries())
    for (const simple of changed(hive, { at: 0, slots: 1, workers: 1, version: 2 }))
      yield { ...scenario, hives: hives.with(i, simple) };
  if (scenario.outlives) yield { ...scenario, outlives: false };
  if (scenario.latency_ms > 1) yield { ...scenario, latency_ms: 1 };
}

function* simplerJobs(job: JobPlan): Generator<JobPlan, void> {
  for (const readers of without(job.readers)) yield { ...job, readers };
  for (const cancels of without(job.cancels)) yield { ...job, cancels };
  if (job.tokens > 1) yield { ...job, tokens: Math.floor(job.tokens / 2) };
  if (job.tokens > 0) yield { ...job, tokens: job.tokens - 1 };
  yield* changed(job, {
    at: 100,
    pace_ms: 0,
    narrates: false,
    listens: true,
    fails: false,
    retries: true,
    continues: false,
    cancels_on_leave: false,
    streams: false,
  });
  for (const [i, reader] of job.readers.entries())
    for (const simple of simplerReaders(reader)) yield { ...job, readers: job.readers.with(i, simple) };
}

function* simplerReaders(reader: ReaderPlan): Generator<ReaderPlan, void> {
  for (const drops of without(reader.drops)) yield { ...reader, drops };
  yield* changed(reader, { slow_ms: 0, window: undefined, leaves_after: undefined });
}

/** The list without each of its items. */
const without = <T>(items: readonly T[]): T[][] => items.map((_, i) => items.filter((_, other) => other !== i));

/** The thing with each of these fields as given, where it is not so already. */
function* changed<T extends object>(thing: T, fields: Partial<T>): Generator<T, void> {
  for (const [field, value] of Object.entries(fields))
    if (thing[field as keyof T] !== value) yield { ...thing, [field]: value };
}
