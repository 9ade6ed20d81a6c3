import type { Clock } from "../../clock.ts";

/** A clock that stands still until it is told to move. */
export class ManualClock implements Clock {
  #now = 1_000_000;
  wallOffset = 1_700_000_000_000;
  chance = 0.5;
  #timers: { at: number; run: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#now + this.wallOffset;
  }

  random(): number {
    return this.chance;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms), run };
    this.#timers.push(timer);
    return () => (this.#timers = this.#timers.filter((other) => other !== timer));
  }

  soon(run: () => void): () => void {
    return this.after(0, run);
  }

  get pending(): number {
    return this.#timers.length;
  }

  /** Moves time on, running what falls due, in order. Zero runs what is due now. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const due = this.#timers.filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.#now = Math.max(this.#now, due.at);
      due.run();
    }
    this.#now = until;
  }

  /** A process that was stopped: time passes and no timer runs. */
  freeze(ms: number): void {
    this.#now += ms;
  }
}
