import type { ModelInfo } from "@rbee/contracts";
import type { Hive } from "./fleet.ts";
import { names } from "./model-names.ts";
import type { Occupancy } from "./occupancy.ts";

/**
 * Where a model would find memory on a hive, as far as the queen can tell; the hive itself decides. `free`: now; `idle`:
 * when workers go that do nothing; `busy`: when workers go that still have jobs; `never`: not by anything the queen knows.
 */
export type Room = "free" | "idle" | "busy" | "never";

/** A loaded model takes more than its file: caches and scores, by context and slots. The hive knows exactly. */
const NEED_FACTOR = 1.1;

/** @param file what is to be loaded; its need is reckoned from its size */
export function roomFor(hive: Hive, file: ModelInfo, occupancy: Occupancy): { room: Room; free: number } {
  const { devices = [], workers = [], models = [] } = hive.inventory ?? {};
  // A hive that tells nothing of its memory is asked.
  if (devices.length === 0) return { room: "free", free: 0 };
  const sizeOf = (model: string): number => models.find(({ id }) => names(model, id))?.size_bytes ?? 0;
  const need = file.size_bytes * NEED_FACTOR;
  const spaces = devices.map(({ id, memory_free_bytes: free }) => ({ id, free, idle: 0 }));
  for (const size of pendingSizes(hive, { occupancy, sizeOf })) {
    const space = spaces.reduce((most, one) => (one.free > most.free ? one : most));
    space.free = Math.max(0, space.free - size * NEED_FACTOR);
  }
  let busy = false;
  for (const worker of workers) {
    const idle = worker.state === "ready" && occupancy.of(hive.hive_id, worker) === 0;
    if (!idle) busy ||= worker.state !== "dead";
    const space = spaces.find(({ id }) => id === worker.device);
    if (idle && space !== undefined) space.idle += sizeOf(worker.model);
  }
  const free = Math.max(...spaces.map((space) => space.free));
  if (need <= free) return { room: "free", free };
  if (spaces.some((space) => need <= space.free + space.idle)) return { room: "idle", free };
  const fitsBusy = busy || occupancy.loads(hive.hive_id).length > 0;
  const fitsAtAll = devices.some(({ memory_total_bytes }) => need <= memory_total_bytes);
  return { room: fitsBusy && fitsAtAll ? "busy" : "never", free };
}

/** What is being loaded there takes memory that its devices still show as free. */
function pendingSizes(
  { hive_id, inventory }: Hive,
  { occupancy, sizeOf }: { occupancy: Occupancy; sizeOf: (model: string) => number },
): number[] {
  const { workers = [] } = inventory ?? {};
  const starting = workers.filter(({ state }) => state === "starting").map(({ model }) => model);
  const asked = occupancy.loads(hive_id).filter((model) => !workers.some((worker) => names(model, worker.model)));
  return [...starting, ...asked].map(sizeOf);
}
