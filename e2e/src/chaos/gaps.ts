/** What one stream went through when a process it needs was killed. Milliseconds. */
export interface Gap {
  readonly what: string;
  /** From "the process is back" to the next token, or the end. */
  readonly after_back_ms: number;
  /** The longest silence between two tokens around it. */
  readonly silence_ms: number;
}

interface Outage {
  readonly what: string;
  backAt: number | undefined;
  silence: number;
}

/** One stream in progress: when its tokens came, and the outages it is going through. */
export class StreamClock {
  readonly hive: string;
  readonly #gaps: Gap[];
  #lastAt = 0;
  #outages: Outage[] = [];
  /** A token came, and there are more to come. */
  midstream = false;

  constructor(hive: string, gaps: Gap[]) {
    this.hive = hive;
    this.#gaps = gaps;
  }

  token(): void {
    const now = performance.now();
    this.#heard(now);
    this.#lastAt = now;
  }

  #heard(now: number): void {
    const silence = now - this.#lastAt;
    for (const outage of this.#outages) {
      outage.silence = Math.max(outage.silence, silence);
      if (outage.backAt === undefined) continue;
      const { what, backAt } = outage;
      this.#gaps.push({ what, after_back_ms: now - backAt, silence_ms: outage.silence });
    }
    this.#outages = this.#outages.filter(({ backAt }) => backAt === undefined);
  }

  /** A process was killed. @returns to be called when it is back */
  outage(what: string): () => void {
    const outage: Outage = { what, backAt: undefined, silence: 0 };
    // Killed again before anything came: it counts from the last time.
    this.#outages = [outage];
    return () => (outage.backAt = performance.now());
  }

  /** Whether it is still waiting for what was killed. */
  get waiting(): boolean {
    return this.#outages.length > 0;
  }

  /** The stream is over, which is as good as a token. */
  end(): void {
    if (this.midstream) this.#heard(performance.now());
    this.midstream = false;
    this.#outages = [];
  }
}
