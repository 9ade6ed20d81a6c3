/** Over how long tokens are counted: shorter and the figure trembles. */
const WINDOW_MS = 1_000;

/** Tokens a second, lately. Time comes from outside, in milliseconds. */
export class SpeedMeter {
  #since: number | undefined;
  #tokens = 0;
  #perSecond: number | undefined;

  /** One more. @returns the speed; `undefined` until it was measured for a while */
  token(now: number): number | undefined {
    this.#since ??= now;
    this.#tokens++;
    const elapsed = now - this.#since;
    if (elapsed >= WINDOW_MS) {
      this.#perSecond = (this.#tokens * 1_000) / elapsed;
      [this.#since, this.#tokens] = [now, 0];
    }
    return this.#perSecond;
  }
}
