import { limits, RbeeError, type WorkerInfo } from "@rbee/contracts";
import { setTimeout as delay } from "node:timers/promises";
import { describeDeath, type Death, type RunningWorker } from "./running.ts";
import type { SpawnRequest } from "./records.ts";

/** A worker that died while it was wanted: it waits for its next start, or was given up. */
interface Lost extends Wanted {
  info: WorkerInfo;
  readonly unwanted: AbortController;
}

/** What it was, and what had been asked for. */
export interface Wanted {
  readonly info: WorkerInfo;
  readonly request: SpawnRequest;
}

interface Hooks {
  /** Waits so long, starts one like it, and waits until it is ready. */
  start(lost: Wanted, wait_ms: number, signal: AbortSignal): Promise<RunningWorker>;
  /** Something is to be seen that was not. */
  changed(): void;
  /** The first wait; limits.worker_restart_min_ms unless given. */
  readonly restart_min_ms?: number;
}

const PROBLEM_CHARS = 2_048;

/** Workers that died and are to come back: each time after a longer wait, and not for ever. [WORK-3] */
export class Revivals {
  readonly #hooks: Hooks;
  readonly #lost = new Map<string, Lost>();

  constructor(hooks: Hooks) {
    this.#hooks = hooks;
  }

  list(): WorkerInfo[] {
    return [...this.#lost.values()].map(({ info }) => info);
  }

  /** Begins to bring it back, once everything that reminds of it is gone. */
  begin(worker: RunningWorker, death: Death, buried: Promise<void>): void {
    const sound = performance.now() - worker.readyAt >= limits.worker_stable_ms;
    const restarts = sound ? 0 : worker.restarts;
    const problem = problemOf(describeDeath(worker.record.info.worker_id, death));
    const info: WorkerInfo = { ...worker.info, state: "starting", problem, restarts };
    const lost: Lost = { info, request: worker.record.request, unwanted: new AbortController() };
    this.#lost.set(info.worker_id, lost);
    void buried.then(async () => this.#revive(lost));
  }

  /** Not wanted any more. @returns what it was */
  drop(is: (info: WorkerInfo) => boolean): WorkerInfo | undefined {
    const found = [...this.#lost.values()].find(({ info }) => is(info));
    if (found === undefined) return undefined;
    this.#lost.delete(found.info.worker_id);
    found.unwanted.abort(new RbeeError("worker_died", `${found.info.worker_id} was stopped`));
    this.#hooks.changed();
    return { ...found.info, state: "dead" };
  }

  dropAll(): void {
    while (this.drop(() => true) !== undefined);
  }

  async #revive(lost: Lost): Promise<void> {
    const { signal } = lost.unwanted;
    for (let restarts = lost.info.restarts ?? 0; restarts < limits.worker_restarts_max; restarts += 1) {
      const first = this.#hooks.restart_min_ms ?? limits.worker_restart_min_ms;
      const wait = Math.min(first * 2 ** restarts, limits.worker_restart_max_ms);
      try {
        const worker = await this.#hooks.start(lost, wait, signal);
        worker.restarts = restarts + 1;
        this.#forget(lost);
        return;
      } catch (error) {
        if (signal.aborted) return;
        const problem = problemOf(error instanceof RbeeError ? error.message : "it could not be started again");
        lost.info = { ...lost.info, problem, restarts: restarts + 1 };
        this.#hooks.changed();
      }
    }
    lost.info = { ...lost.info, state: "dead" };
    this.#hooks.changed();
    await delay(limits.worker_dead_kept_ms, undefined, { signal, ref: false }).catch(() => undefined);
    this.#forget(lost);
  }

  #forget(lost: Lost): void {
    const { worker_id } = lost.info;
    if (this.#lost.get(worker_id) === lost) this.#lost.delete(worker_id);
    this.#hooks.changed();
  }
}

/** How it ended, and as much of its last words as there is room for. */
function problemOf(said: string): string {
  if (said.length <= PROBLEM_CHARS) return said;
  const [first = "", ...rest] = said.split("\n");
  const room = PROBLEM_CHARS - first.length - 2;
  return room > 0 ? `${first}\n…${rest.join("\n").slice(-room)}` : first.slice(0, PROBLEM_CHARS);
}
