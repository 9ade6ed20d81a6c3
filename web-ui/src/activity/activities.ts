import type { JobLine, OperationName } from "@rbee/sdk";
import { kept, Store } from "../store.ts";

/** A job that somebody started here and wants to see the end of: a download, a load, a build. */
export interface Activity {
  readonly job_id: string;
  readonly title: string;
  readonly operation: OperationName;
  readonly started_at: number;
  /** Its end was told; a page that is loaded later does not tell it again. */
  readonly over?: boolean;
}

const NAME = "rbee.activities";
const ACTIVITIES_MAX = 20;

/** Kept over a reload: what runs goes on, and is shown again. */
function remembered(): readonly Activity[] {
  try {
    const found: unknown = JSON.parse(kept.get(NAME) ?? "[]");
    return Array.isArray(found) ? found.filter(isActivity).slice(0, ACTIVITIES_MAX) : [];
  } catch {
    return [];
  }
}

const isActivity = (one: unknown): one is Activity =>
  typeof one === "object" &&
  one !== null &&
  "job_id" in one &&
  "operation" in one &&
  "title" in one &&
  "started_at" in one;

export const activities = new Store<readonly Activity[]>(remembered());
activities.watch(() => kept.set(NAME, JSON.stringify(activities.get())));

export const addActivity = (activity: Activity): void =>
  activities.update((all) => [activity, ...all].slice(0, ACTIVITIES_MAX));

/** The same work under another job. */
export const replaceActivity = (job_id: string, next: string): void =>
  activities.update((all) =>
    all.map((one) => (one.job_id === job_id ? { ...one, job_id: next, started_at: Date.now(), over: false } : one)),
  );

export const endActivity = (job_id: string): void =>
  activities.update((all) => all.map((one) => (one.job_id === job_id ? { ...one, over: true } : one)));

export const dismissActivity = (job_id: string): void =>
  activities.update((all) => all.filter((one) => one.job_id !== job_id));

/** Which to show first: those that ended and were not told yet, since their logs do it at once; what runs; what is over. */
export function mostWanted(all: readonly Activity[], jobs: readonly JobLine[]): readonly Activity[] {
  const ended = new Set(jobs.filter(({ finished_at }) => finished_at !== undefined).map(({ job_id }) => job_id));
  const rank = ({ job_id, over }: Activity): number => (over === true ? 2 : ended.has(job_id) ? 0 : 1);
  return all.toSorted((a, b) => rank(a) - rank(b));
}
