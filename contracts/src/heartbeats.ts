import { z } from "zod";
import { ActiveWorker, HiveInfo } from "./fleet.ts";
import { HiveId } from "./ids.ts";
import { JobLine } from "./job.ts";
import { limits } from "./limits.ts";

/** The same on a queen, who tells of her fleet, and on a hive's local server, which tells of that hive. */
export const heartbeatsPath = "/v1/heartbeats/stream";

/** What only ever grows, counted when an answer ends: a difference of two is a rate. */
export const FleetTotals = z.object({
  completion_tokens: z.int().nonnegative(),
  /** Answers of which it is known when they began, and the seconds that all of these took to begin. */
  first_tokens: z.int().nonnegative(),
  ttft_s: z.number().nonnegative(),
});
export type FleetTotals = z.infer<typeof FleetTotals>;

/** Everything that a watcher of the fleet sees. */
export const FleetState = z.object({
  hives: z.array(HiveInfo),
  workers: z.array(ActiveWorker),
  queue: z.object({ queued: z.int().nonnegative(), running: z.int().nonnegative() }),
  /** The newest jobs first: the open ones, then those that ended lately. */
  jobs: z.array(JobLine).max(limits.heartbeat_jobs_max),
  /** Of a queen: a hive keeps no books. */
  totals: FleetTotals.optional(),
});
export type FleetState = z.infer<typeof FleetState>;

/** One event of the stream: what is not the same as in the one before. The first of a connection holds everything. */
export const Heartbeat = z.object({
  /** Only those that changed. */
  hives: z.array(HiveInfo).optional(),
  /** They are not part of the fleet any more. */
  hives_gone: z.array(HiveId).optional(),
  workers: FleetState.shape.workers.optional(),
  queue: FleetState.shape.queue.optional(),
  jobs: FleetState.shape.jobs.optional(),
  totals: FleetState.shape.totals,
});
export type Heartbeat = z.infer<typeof Heartbeat>;

const parts = ["workers", "queue", "jobs", "totals"] as const;

/** A state as text, part by part: quick to compare, and made once for all watchers. */
export interface Snapshot extends Readonly<Record<(typeof parts)[number], string | undefined>> {
  readonly hives: ReadonlyMap<string, string>;
}

export const snapshotOf = (state: FleetState): Snapshot => ({
  hives: new Map(state.hives.map((hive) => [hive.hive_id, JSON.stringify(hive)])),
  workers: JSON.stringify(state.workers),
  queue: JSON.stringify(state.queue),
  jobs: JSON.stringify(state.jobs),
  totals: state.totals && JSON.stringify(state.totals),
});

/** The heartbeat, as JSON, that leads from one state to another, or from nothing. `undefined`: they are the same. */
export function heartbeatBetween(before: Snapshot | undefined, after: Snapshot): string | undefined {
  if (before === after) return undefined;
  const changed = [...after.hives].filter(([id, hive]) => before?.hives.get(id) !== hive).map(([, hive]) => hive);
  const gone = [...(before?.hives.keys() ?? [])].filter((id) => !after.hives.has(id));
  const fields = [
    ...(changed.length > 0 || before === undefined ? [`"hives":[${changed.join(",")}]`] : []),
    ...(gone.length > 0 ? [`"hives_gone":${JSON.stringify(gone)}`] : []),
    ...parts
      .filter((part) => after[part] !== undefined && before?.[part] !== after[part])
      .map((part) => `"${part}":${after[part]}`),
  ];
  return fields.length === 0 ? undefined : `{${fields.join(",")}}`;
}
