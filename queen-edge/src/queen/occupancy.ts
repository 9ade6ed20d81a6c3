import type { WorkerInfo } from "@rbee/contracts";
import type { Placement } from "@rbee/job-core";
import type { Want } from "./want.ts";
import { names } from "./model-names.ts";

interface Held {
  /** Every job that the hive has, also those that need no worker. */
  jobs: number;
  readonly workers: Map<string, number>;
  /** Jobs that were given to the hive without a worker, by the model it is to load for them. */
  readonly loading: Map<string, number>;
}

/** How many jobs each hive, each of its workers and each model that it is to load holds. */
export class Occupancy {
  readonly #hives = new Map<string, Held>();

  add(want: Want, placement: Placement): void {
    this.#count(want, placement, 1);
  }

  remove(want: Want, placement: Placement): void {
    this.#count(want, placement, -1);
  }

  jobsOn(hive_id: string): number {
    return this.#hives.get(hive_id)?.jobs ?? 0;
  }

  /** Jobs on a worker: those given to it, and those given to its hive before it was there. */
  of(hive_id: string, { worker_id, model }: WorkerInfo): number {
    const held = this.#hives.get(hive_id);
    return held === undefined ? 0 : (held.workers.get(worker_id) ?? 0) + loadingOf(held, model);
  }

  /** Whatever name they asked by: one load serves them all, and its slots are shared by them. */
  loading(hive_id: string, model: string): number {
    const held = this.#hives.get(hive_id);
    return held === undefined ? 0 : loadingOf(held, model);
  }

  /** Models that the hive is to load, by the names they were asked by. */
  loads(hive_id: string): readonly string[] {
    return [...(this.#hives.get(hive_id)?.loading.keys() ?? [])];
  }

  #count({ model }: Want, { hive_id, worker_id }: Placement, by: 1 | -1): void {
    const held = this.#hives.get(hive_id) ?? { jobs: 0, workers: new Map(), loading: new Map() };
    held.jobs += by;
    if (held.jobs === 0) this.#hives.delete(hive_id);
    else this.#hives.set(hive_id, held);
    if (model === undefined) return;
    const [counts, name] = worker_id === undefined ? [held.loading, model] : [held.workers, worker_id];
    const count = (counts.get(name) ?? 0) + by;
    if (count === 0) counts.delete(name);
    else counts.set(name, count);
  }
}

function loadingOf({ loading }: Held, model: string): number {
  let jobs = 0;
  if (loading.size > 0) for (const [asked, count] of loading) if (names(asked, model)) jobs += count;
  return jobs;
}
