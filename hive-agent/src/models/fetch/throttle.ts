import { setTimeout as sleep } from "node:timers/promises";

/** So much may come at once after a pause: a bucket of a tenth of a second. */
const BUCKET_MS = 100;

/** Lets through at most so many bytes a second, over everything that takes from it. */
export class Throttle {
  readonly #perMs: number;
  /** When everything that was let through so far would have arrived at the allowed speed. */
  #paidUntil = 0;

  /** @param bytesPerSecond none: no limit */
  constructor(bytesPerSecond: number | undefined) {
    this.#perMs = (bytesPerSecond ?? Infinity) / 1_000;
  }

  async take(bytes: number, signal: AbortSignal): Promise<void> {
    if (this.#perMs === Infinity) return;
    const now = performance.now();
    this.#paidUntil = Math.max(this.#paidUntil, now - BUCKET_MS) + bytes / this.#perMs;
    const wait = this.#paidUntil - now;
    if (wait > 0) await sleep(wait, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}
