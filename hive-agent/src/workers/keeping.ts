import { limits, RbeeError, STAYS } from "@rbee/contracts";
import { setTimeout as delay } from "node:timers/promises";
import type { WorkerFailures } from "./failures.ts";
import { NoRoom } from "./memory.ts";
import type { Planned, Planner } from "./plans.ts";
import type { SpawnRequest } from "./records.ts";
import type { Resident } from "./room.ts";
import type { RunningWorker } from "./running.ts";

/** What somebody says about how long a worker stays. */
export type Keep = Pick<SpawnRequest, "keep_alive" | "pin">;

interface Hooks {
  readonly planner: Planner;
  workers(): RunningWorker[];
  /** Lets nothing new begin on it, and resolves when it is gone. */
  stop(worker: RunningWorker): Promise<unknown>;
  /** Something is to be seen that was not. */
  changed(): void;
  readonly failed: WorkerFailures;
  /** Seconds that what a request loads stays when idle, unless it says so itself. */
  readonly keep_alive: number | undefined;
  /** How long what a request loads waits here for room; limits.room_wait_ms unless given. */
  readonly room_wait_ms: number | undefined;
}

/** How long workers stay: until they were idle for their time, or until their memory is needed. [KEEP-1] */
export class Keeping {
  readonly #hooks: Hooks;
  readonly #timers = new Map<RunningWorker, NodeJS.Timeout>();
  #lastPlan: Promise<unknown> = Promise.resolve();
  /** Resolves when there may be room that there was not. */
  #news = Promise.withResolvers<void>();
  /** Workers stopped so far, by why. */
  readonly stops = { idle: 0, memory: 0 };

  constructor(hooks: Hooks) {
    this.#hooks = hooks;
  }

  watch(worker: RunningWorker): void {
    worker.onUse = () => this.#used(worker);
    void worker.died.then(() => {
      this.#disarm(worker);
      this.#tell();
    });
  }

  close(): void {
    for (const worker of this.#timers.keys()) this.#disarm(worker);
  }

  /** What a worker is to be that a request has loaded. */
  onDemand(keep_alive = this.#hooks.keep_alive ?? limits.keep_alive_s_default): Omit<SpawnRequest, "model"> {
    return { on_demand: true, keep_alive };
  }

  /** A request says how long a worker stays behind it; only of one that a request loaded. The last one decides. */
  async requested(workerId: string, keep_alive: number | undefined): Promise<void> {
    const worker = this.#find(workerId);
    if (worker?.record.request.on_demand !== true || keep_alive === undefined) return;
    // A disk that is full fails no request for that.
    await this.#keep(worker, { keep_alive }).catch(this.#hooks.failed("written down", worker.record.info.worker_id));
  }

  /** A person wants it: it stays unless they say how long, whoever loaded it. What they do not speak of stays as it was. */
  async wanted(workerId: string, { keep_alive, pin }: Keep): Promise<void> {
    const worker = this.#find(workerId);
    if (worker === undefined) return;
    const { request } = worker.record;
    const stays = request.on_demand === true ? STAYS : request.keep_alive;
    await this.#keep(worker, { on_demand: false, keep_alive: keep_alive ?? stays, pin: pin ?? request.pin });
  }

  /**
   * Finds room for a worker; idle ones are stopped for it. A request waits a while for those that are busy: the queen
   * looked before they were. @throws RbeeError worker_busy when that takes too long
   */
  async plan(request: SpawnRequest, signal: AbortSignal): Promise<Planned> {
    const until = performance.now() + (this.#hooks.room_wait_ms ?? limits.room_wait_ms);
    for (;;) {
      // Taken before the look, so that nothing is missed.
      const news = this.#news.promise;
      try {
        return await this.#inTurn(request, signal);
      } catch (error) {
        if (!(error instanceof NoRoom) || !error.passes || request.on_demand !== true) throw error;
        const left = until - performance.now();
        if (left <= 0) throw new RbeeError("worker_busy", error.message);
        await within(news, Math.min(left, limits.idle_check_ms), signal);
      }
    }
  }

  /** One after another, so that no worker is stopped for two. */
  async #inTurn(request: SpawnRequest, signal: AbortSignal): Promise<Planned> {
    const planned = this.#lastPlan.then(async () => this.#plan(request, signal));
    this.#lastPlan = planned.catch(() => undefined);
    const { plan, memory } = await planned;
    const release = (): void => {
      memory.release();
      this.#tell();
    };
    return { plan, memory: { release } };
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }

  #find(workerId: string): RunningWorker | undefined {
    return this.#hooks.workers().find(({ record }) => record.info.worker_id === workerId);
  }

  async #plan(request: SpawnRequest, signal: AbortSignal): Promise<Planned> {
    for (;;) {
      signal.throwIfAborted();
      const leaving = this.#hooks.workers().filter(({ stopping }) => stopping);
      await Promise.all(leaving.map(async ({ died }) => died));
      const planned = await this.#hooks.planner.plan(request, await this.#residents());
      if ("plan" in planned) return planned;
      const chosen = this.#hooks.workers().filter(({ record }) => planned.evict.includes(record.info.worker_id));
      await Promise.all(chosen.map(async (worker) => this.#stop(worker, "memory")));
    }
  }

  async #residents(): Promise<Resident[]> {
    return await Promise.all(
      this.#hooks.workers().map(async (worker) => {
        const { worker_id, device, memory_bytes: bytes = 0 } = worker.record.info;
        const busy = (await isIdle(worker)) ? undefined : worker.state === "ready" ? "busy" : worker.state;
        const { held, usedAt: used_at } = worker;
        // Nobody knows when what a person started will first be used.
        const stays =
          held === "pinned" || (busy === undefined && held !== undefined && worker.info.keep_alive === undefined);
        return { worker_id, device, bytes, why: busy ?? held, stays, used_at };
      }),
    );
  }

  async #keep(worker: RunningWorker, change: Partial<SpawnRequest>): Promise<void> {
    const { request } = worker.record;
    const same = Object.entries(change).every(([name, value]) => request[name as keyof SpawnRequest] === value);
    if (same) return;
    await worker.amend({ request: { ...request, ...change } }).finally(() => {
      this.#used(worker);
      this.#hooks.changed();
    });
  }

  #used(worker: RunningWorker): void {
    this.#disarm(worker);
    this.#tell();
    if (worker.active > 0 || worker.state !== "ready") return;
    if (worker.record.served !== true && worker.usedAt > worker.readyAt)
      void worker
        .amend({ served: true })
        .catch(this.#hooks.failed("written down", worker.record.info.worker_id))
        .then(() => this.#hooks.changed());
    const { keep_alive } = worker.info;
    if (keep_alive === undefined) return;
    const seconds = worker.record.served === true ? keep_alive : Math.max(keep_alive, limits.first_use_ms / 1_000);
    this.#arm(worker, Math.max(0, worker.usedAt + seconds * 1_000 - performance.now()));
  }

  #arm(worker: RunningWorker, ms: number): void {
    this.#timers.set(worker, setTimeout(() => void this.#expired(worker), ms).unref());
  }

  async #expired(worker: RunningWorker): Promise<void> {
    const { usedAt } = worker;
    // A generation that an earlier agent began is not counted here yet.
    const idle = await isIdle(worker);
    // Used meanwhile: its time began anew.
    if (worker.usedAt !== usedAt) return;
    if (idle) await this.#stop(worker, "idle");
    else this.#arm(worker, limits.idle_check_ms);
  }

  /** Unless it is used again by now. */
  async #stop(worker: RunningWorker, why: keyof Keeping["stops"]): Promise<void> {
    if (worker.state !== "ready" || worker.active > 0) return;
    this.stops[why] += 1;
    await this.#hooks.stop(worker).catch(this.#hooks.failed("stopped", worker.record.info.worker_id));
  }

  #disarm(worker: RunningWorker): void {
    clearTimeout(this.#timers.get(worker));
    this.#timers.delete(worker);
  }
}

/** Also by its own word: it may run what no agent has taken up again. */
async function isIdle(worker: RunningWorker): Promise<boolean> {
  if (worker.state !== "ready" || worker.active > 0) return false;
  return (await worker.client.health())?.slots_busy === 0;
}

/** Waits for it, and no longer than so long. @throws the signal's reason */
async function within(news: Promise<void>, ms: number, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const timer = delay(ms, undefined, { signal: AbortSignal.any([signal, over.signal]) }).catch(() => undefined);
  await Promise.race([news, timer]);
  over.abort();
  signal.throwIfAborted();
}
