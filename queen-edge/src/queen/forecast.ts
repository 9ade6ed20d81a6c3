import { limits } from "@rbee/contracts";

interface Seen {
  readonly jobs: number;
  readonly mean_ms: number;
}

/** How much the newest job counts in the mean. */
const NEWEST = 1 / 8;

/** How long a queued job will wait, from how long jobs of its model held their slots lately. Kept in memory: a guess is not worth a row. */
export class Forecast {
  readonly #seen = new Map<string, Seen>();

  /** A job of the model gave its slot back. */
  ended(model: string, slot_ms: number): void {
    const { jobs, mean_ms } = this.#seen.get(model) ?? { jobs: 0, mean_ms: slot_ms };
    if (this.#seen.size >= limits.models_remembered_max) this.#seen.clear();
    this.#seen.set(model, { jobs: jobs + 1, mean_ms: mean_ms + (slot_ms - mean_ms) * NEWEST });
  }

  /** `undefined` where it would be made up: too few jobs were seen, or nothing serves the model now. */
  wait({ model, position, slots }: { model: string | undefined; position: number; slots: number }): number | undefined {
    const seen = model === undefined ? undefined : this.#seen.get(model);
    if (seen === undefined || seen.jobs < limits.eta_jobs_min || slots < 1) return undefined;
    return Math.round((position * seen.mean_ms) / slots);
  }
}
