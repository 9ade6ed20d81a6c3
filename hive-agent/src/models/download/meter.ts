import type { Progress } from "@rbee/contracts";

/** How much the newest measurement counts: a few seconds' worth of them make the speed. */
const NEWEST = 0.3;

/** Progress in bytes with a speed that does not jump. */
export class Meter {
  readonly #total: number;
  #last: { at: number; done: number } | undefined;
  #perMs: number | undefined;

  constructor(total: number) {
    this.#total = total;
  }

  /** @param now monotonic, in milliseconds */
  progress(done: number, now: number): Progress {
    const last = this.#last;
    if (last !== undefined && now > last.at) {
      const measured = Math.max(0, done - last.done) / (now - last.at);
      this.#perMs = this.#perMs === undefined ? measured : this.#perMs * (1 - NEWEST) + measured * NEWEST;
    }
    this.#last = { at: now, done };
    const rest = this.#total - done;
    return {
      type: "progress",
      done,
      total: this.#total,
      unit: "bytes",
      ...(this.#perMs === undefined ? {} : { per_second: Math.round(this.#perMs * 1_000) }),
      ...(this.#perMs === undefined || this.#perMs <= 0 ? {} : { eta_ms: Math.round(rest / this.#perMs) }),
    };
  }
}
