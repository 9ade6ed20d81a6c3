import { limits } from "@rbee/contracts";
import type { Clock } from "../clock.ts";

/**
 * How long the queen has acknowledged nothing of what there is for her. Past a bound whoever produces has to wait: she may
 * have given the job away, and an engine must not work for nobody. Nothing is dropped, and her next word lets it go on.
 * [AGENT-23]
 */
export class AckAge {
  readonly #clock: Clock;
  /** Monotonic: when the oldest event that is not acknowledged came, or the last acknowledgement. */
  #since: number | undefined;
  #wake: (() => void) | undefined;

  constructor(clock: Clock, waiting: boolean) {
    this.#clock = clock;
    this.#since = waiting ? clock.now() : undefined;
  }

  added(): void {
    this.#since ??= this.#clock.now();
  }

  /** @param waiting whether there is more that she has not acknowledged */
  acked(waiting: boolean): void {
    this.#since = waiting ? this.#clock.now() : undefined;
    this.#wake?.();
    this.#wake = undefined;
  }

  get tooOld(): boolean {
    return this.#since !== undefined && this.#clock.now() - this.#since >= limits.unacked_age_ms_max;
  }

  /** Resolves with her next word. For the one who adds. */
  async heard(): Promise<void> {
    if (this.tooOld) await new Promise<void>((resolve) => (this.#wake = resolve));
  }
}
