/** Work that several may wait for: equal wishes share it, and when the last who waits leaves, it is given up. [MODEL-3] */
export class Shared<T> {
  readonly #running = new Map<string, { work: Promise<T>; unwanted: AbortController; waiting: number }>();

  /** Waits for the work of this key, which `begin` begins unless it is under way. */
  async join(key: string, begin: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    for (;;) {
      signal.throwIfAborted();
      const known = this.#running.get(key);
      // Given up by others a moment ago: it must be over before it can begin anew.
      if (known?.unwanted.signal.aborted !== true) break;
      await known.work.catch(() => undefined);
    }
    const entry = this.#running.get(key) ?? this.#begin(key, begin);
    entry.waiting += 1;
    const left = Promise.withResolvers<never>();
    const leave = () => left.reject(signal.reason as Error);
    signal.addEventListener("abort", leave, { once: true });
    try {
      return await Promise.race([entry.work, left.promise]);
    } finally {
      signal.removeEventListener("abort", leave);
      entry.waiting -= 1;
      if (entry.waiting === 0) entry.unwanted.abort(signal.reason);
      // Who cancels counts on it that nothing goes on.
      if (entry.waiting === 0) await entry.work.catch(() => undefined);
    }
  }

  has(key: string): boolean {
    return this.#running.has(key);
  }

  /** Ends the work for everyone. Resolves when it is over. */
  async stop(key: string, reason: Error): Promise<void> {
    const entry = this.#running.get(key);
    entry?.unwanted.abort(reason);
    await entry?.work.catch(() => undefined);
  }

  async stopAll(reason: Error): Promise<void> {
    await Promise.all([...this.#running.keys()].map(async (key) => this.stop(key, reason)));
  }

  #begin(key: string, begin: (signal: AbortSignal) => Promise<T>) {
    const unwanted = new AbortController();
    const work = begin(unwanted.signal).finally(() => this.#running.delete(key));
    // Nobody may be left to hear how it ends.
    work.catch(() => undefined);
    const entry = { work, unwanted, waiting: 0 };
    this.#running.set(key, entry);
    return entry;
  }
}
