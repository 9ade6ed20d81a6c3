import {
  limits,
  shownState,
  type ActiveWorker,
  type FleetState,
  type HiveInfo,
  type WorkerInfo,
} from "@rbee/contracts";
import type { Hive } from "./fleet.ts";
import type { Ledger } from "./ledger.ts";
import type { Occupancy } from "./occupancy.ts";
import type { Registry } from "./registry.ts";
import type { WorkerBook } from "./worker-book.ts";

/** What those see who watch the fleet. */
export const fleetState = (registry: Registry, now: number): FleetState => ({
  hives: registry.hives(),
  workers: registry.workers(now),
  queue: registry.counts(),
  jobs: registry.jobs(limits.heartbeat_jobs_max),
  totals: registry.accounts.totals,
});

/** What is shown of the hives: their own word, and what they hold. */
export function hiveInfos(hives: readonly Hive[], { occupancy, line }: Ledger): HiveInfo[] {
  const queued = new Map<string, number>();
  for (const { want } of line.all()) queued.set(want.hive_id, (queued.get(want.hive_id) ?? 0) + 1);
  return hives.map(({ hive_id, connected, draining, last_seen, enrolled_at, inventory, labels }) => ({
    hive_id,
    connected,
    ...(draining ? { draining } : {}),
    last_seen,
    ...(connected ? {} : { stale: true }),
    enrolled_at,
    ...(labels.length === 0 ? {} : { labels: [...labels] }),
    ...(inventory === undefined ? {} : { version: inventory.version, platform: inventory.platform }),
    devices: inventory?.devices ?? [],
    models: inventory?.models ?? [],
    jobs_running: occupancy.jobsOn(hive_id),
    jobs_queued: queued.get(hive_id) ?? 0,
  }));
}

/** What is shown of the workers; those of a hive that went away as unreachable for a while, then no more. */
export function activeWorkers(
  hives: readonly Hive[],
  { occupancy, book, now }: { occupancy: Occupancy; book: WorkerBook; now: number },
): ActiveWorker[] {
  const shown = hives.filter((hive) => hive.connected || now - hive.last_seen < limits.worker_unreachable_ms);
  return shown.flatMap(({ hive_id, connected, inventory }) =>
    (inventory?.workers ?? []).map((worker) => {
      const slots_busy = Math.min(occupancy.of(hive_id, worker), worker.slots);
      const idleSince = slots_busy > 0 ? now : book.idleSince(hive_id, worker);
      const retiring = worker.state === "ready" && book.isRetired(hive_id, worker);
      return {
        worker_id: worker.worker_id,
        hive_id,
        kind: worker.kind,
        model: worker.model,
        device: worker.device,
        state: connected ? (retiring ? "draining" : shownState(worker)) : ("unreachable" as const),
        slots: worker.slots,
        slots_busy,
        ...(worker.held === "pinned" ? { pinned: true } : {}),
        ...expiry(worker, idleSince),
        ...book.notesOf(hive_id, worker),
      };
    }),
  );
}

/** What runs now is reckoned as over now: its time begins when it ends. */
function expiry({ keep_alive }: WorkerInfo, idleSince: number | undefined): Pick<ActiveWorker, "expires_at"> {
  if (keep_alive === undefined || idleSince === undefined) return {};
  return { expires_at: Math.round(idleSince + keep_alive * 1_000) };
}
