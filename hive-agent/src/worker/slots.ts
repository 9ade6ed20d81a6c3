/** One place to generate: knows what it still holds. `T` is the token type, `S` the engine's sequence. */
export interface SlotState<T> {
  /** How many of these tokens it holds already, from the first. */
  commonPrefix(tokens: readonly T[]): number;
}

interface Waiting<S> {
  give(slot: S): void;
}

/** Slots are handed out first come, first served; of several free ones the one that holds most of the prompt. */
export class Slots<T, S extends SlotState<T>> {
  readonly total: number;
  /** Longest unused first, so that equal fits wear out the oldest prompt. */
  readonly #free: S[];
  readonly #queue: Waiting<S>[] = [];

  constructor(slots: readonly S[]) {
    this.total = slots.length;
    this.#free = [...slots];
  }

  get busy(): number {
    return this.total - this.#free.length;
  }

  /** Waits for a slot; gives up, and throws the signal's reason, when it is aborted. */
  async take(tokens: readonly T[], signal: AbortSignal): Promise<S> {
    signal.throwIfAborted();
    const [best] = this.#free
      .map((slot) => ({ slot, held: slot.commonPrefix(tokens) }))
      .toSorted((one, other) => other.held - one.held);
    if (best !== undefined) {
      this.#free.splice(this.#free.indexOf(best.slot), 1);
      return best.slot;
    }
    return await this.#wait(signal);
  }

  release(slot: S): void {
    const next = this.#queue.shift();
    if (next === undefined) this.#free.push(slot);
    else next.give(slot);
  }

  #wait(signal: AbortSignal): Promise<S> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#queue.splice(this.#queue.indexOf(waiting), 1);
        reject(signal.reason as Error);
      };
      const waiting: Waiting<S> = {
        give: (slot) => {
          signal.removeEventListener("abort", leave);
          resolve(slot);
        },
      };
      signal.addEventListener("abort", leave, { once: true });
      this.#queue.push(waiting);
    });
  }
}
