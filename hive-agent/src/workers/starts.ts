import type { RunningWorker } from "./running.ts";

/** Somebody who waits for a worker. */
export interface Joining {
  readonly signal: AbortSignal;
  /** Share of the model that is loaded, 0 to 1. */
  onProgress?(progress: number): void;
}

interface Start {
  readonly model: string;
  readonly worker: Promise<RunningWorker>;
  readonly unwanted: AbortController;
  readonly joined: Set<Joining>;
}

/** Workers that are being started. Equal wishes share one start; when the last who waits leaves, it is given up. */
export class Starts {
  readonly #starts = new Map<string, Start>();

  /** Waits for the start of this key, which `begin` begins unless it is under way. */
  async join(
    wish: { key: string; model: string },
    begin: (shared: Joining) => Promise<RunningWorker>,
    joining: Joining,
  ): Promise<RunningWorker> {
    joining.signal.throwIfAborted();
    const start = this.#starts.get(wish.key) ?? this.#begin(wish, begin);
    return await this.#wait(start, joining);
  }

  /** Waits for any start of this model; undefined when there is none. */
  joinModel(model: string, joining: Joining): Promise<RunningWorker> | undefined {
    const start = [...this.#starts.values()].find((one) => one.model === model);
    return start === undefined ? undefined : this.#wait(start, joining);
  }

  /** Gives all of them up. */
  abort(reason: Error): void {
    for (const { unwanted } of this.#starts.values()) unwanted.abort(reason);
  }

  #begin({ key, model }: { key: string; model: string }, begin: (shared: Joining) => Promise<RunningWorker>): Start {
    const unwanted = new AbortController();
    const joined = new Set<Joining>();
    const onProgress = (progress: number) => {
      for (const one of joined) one.onProgress?.(progress);
    };
    const worker = begin({ signal: unwanted.signal, onProgress }).finally(() => this.#starts.delete(key));
    const start: Start = { model, worker, unwanted, joined };
    this.#starts.set(key, start);
    return start;
  }

  #wait(start: Start, joining: Joining): Promise<RunningWorker> {
    start.joined.add(joining);
    return new Promise((resolve, reject) => {
      const leave = () => {
        start.joined.delete(joining);
        const reason = joining.signal.reason as Error;
        if (start.joined.size === 0) start.unwanted.abort(reason);
        reject(reason);
      };
      joining.signal.addEventListener("abort", leave, { once: true });
      start.worker.then(resolve, reject).finally(() => {
        joining.signal.removeEventListener("abort", leave);
        start.joined.delete(joining);
      });
    });
  }
}
