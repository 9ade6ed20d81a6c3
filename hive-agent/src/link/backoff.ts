/**
 * Windowed full jitter: the very first try at once, then one try at a random point of each of a row of growing windows. The
 * rest of a window is waited out before the next, since sums of jitters would bring a fleet back into step.
 */
export class Backoff {
  readonly #min_ms: number;
  readonly #max_ms: number;
  #tries = 0;
  #windowEnd = 0;

  constructor(min_ms: number, max_ms: number) {
    this.#min_ms = min_ms;
    this.#max_ms = max_ms;
  }

  /** How long to wait before the next try. @param now monotonic @param random in [0, 1) */
  next(now: number, random: number): number {
    this.#tries += 1;
    if (this.#tries === 1) return 0;
    const width = Math.min(this.#max_ms, this.#min_ms * 2 ** Math.min(this.#tries - 2, 30));
    const start = Math.max(now, this.#windowEnd);
    this.#windowEnd = start + width;
    return start - now + random * width;
  }

  /** The next try is the very first again: nobody else tries at the same moment for the same reason. */
  reset(): void {
    this.#tries = 0;
    this.#windowEnd = 0;
  }

  /** The line held for a while: back to the first window. What broke it may have broken everybody's. */
  held(): void {
    this.#tries = 1;
    this.#windowEnd = 0;
  }
}
