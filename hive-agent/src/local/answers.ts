import {
  RbeeError,
  type ActiveWorker,
  type Handlers,
  type HiveInfo,
  type Inventory,
  type Operations,
} from "@rbee/contracts";
import type { JobSpec } from "@rbee/job-core";
import type { HiveContext, HiveHandlers } from "../jobs/handler.ts";
import { resolve, type Runnable } from "../jobs/run-handler.ts";

/** What this hive knows of itself. */
export interface LocalDeps {
  readonly hive_id: string;
  /** Milliseconds since the epoch. */
  readonly enrolled_at: number;
  readonly handlers: HiveHandlers;
  readonly inventory: () => Inventory;
  /** Generations that run on a worker, whoever asked for them. */
  readonly activeOn: (worker_id: string) => number;
  /** Local jobs that run. */
  readonly jobsRunning: () => number;
}

/** The queen's operations that a hive can answer for itself; the others need a queen. */
type LocalAnswers = Partial<Handlers<Operations, "queen", HiveContext>>;

function localAnswers(deps: LocalDeps): LocalAnswers {
  const hive = (): HiveInfo => hiveInfo(deps);
  const workers = (): ActiveWorker[] => activeWorkers(deps);
  return {
    async *status() {
      return { hives: [hive()], workers: workers(), queue: { queued: 0, running: deps.jobsRunning() } };
    },
    async *queue_list() {
      // What this machine cannot run at once it refuses.
      return { jobs: [], queued: 0 };
    },
    async *hive_list() {
      return { hives: [hive()] };
    },
    async *hive_get() {
      return { hive: hive() };
    },
    async *active_worker_list() {
      return { workers: workers() };
    },
    async *active_worker_get({ worker_id }) {
      const worker = workers().find((one) => one.worker_id === worker_id);
      if (worker !== undefined) return { worker };
      throw new RbeeError("worker_not_found", `this hive has no worker ${worker_id}`);
    },
  };
}

/** Finds the handler of what this machine is asked for directly. @returns a function that throws RbeeError unsupported, hive_not_found */
export function localRunnable(deps: LocalDeps): (spec: Pick<JobSpec, "operation" | "input">) => Runnable {
  // The queen's part of the table is answered here with the same kind of handler as the hive's own.
  const all = { ...deps.handlers, ...localAnswers(deps) } as HiveHandlers;
  return ({ operation, input }) => {
    const { hive_id } = input;
    if (typeof hive_id === "string" && !["", "auto", "localhost", deps.hive_id].includes(hive_id)) {
      const detail = `this is ${deps.hive_id} itself, which cannot speak for ${JSON.stringify(hive_id)}: ask the queen`;
      throw new RbeeError("hive_not_found", detail);
    }
    if (!Object.hasOwn(all, operation))
      throw new RbeeError("unsupported", `only a queen answers ${operation}; this is the hive ${deps.hive_id} itself`);
    return resolve({ operation, input }, all);
  };
}

function hiveInfo({ hive_id, enrolled_at, inventory, jobsRunning }: LocalDeps): HiveInfo {
  const { version, platform, devices, models } = inventory();
  return {
    hive_id,
    connected: true,
    last_seen: Date.now(),
    enrolled_at,
    version,
    platform,
    devices,
    models,
    jobs_running: jobsRunning(),
    jobs_queued: 0,
  };
}

const activeWorkers = ({ hive_id, inventory, activeOn }: LocalDeps): ActiveWorker[] =>
  inventory().workers.map(({ worker_id, kind, model, device, state, slots }) => ({
    worker_id,
    hive_id,
    kind,
    model,
    device,
    state,
    slots,
    slots_busy: Math.min(slots, activeOn(worker_id)),
  }));
