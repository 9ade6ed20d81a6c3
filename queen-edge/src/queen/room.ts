import type { Device, WorkerInfo } from "@rbee/contracts";
import type { Hive } from "./fleet.ts";
import { names } from "./model-names.ts";
import type { Occupancy } from "./occupancy.ts";
import type { RoomWish } from "./want.ts";

/**
 * Where a model would find memory on a hive, as far as the queen can tell; the hive itself decides, by the same rules and
 * exact numbers. `free`: now; `idle`: when workers go that do nothing and are not held; `busy`: when workers go that go
 * sooner or later; `never`: not by anything the queen knows.
 */
export type Room = "free" | "idle" | "busy" | "never";

/** Best first. */
export const rooms: readonly Room[] = ["free", "idle", "busy", "never"];

/** A loaded model takes more than its file: caches and scores, by context and slots. The hive knows exactly. */
const NEED_FACTOR = 1.1;

interface Space extends Device {
  /** After what is being loaded there. */
  left: number;
  /** What idle workers have of it, and what those have that never go. */
  idle: number;
  pinned: number;
}

/** @param size bytes of the file that is to be loaded; its need is reckoned from that */
export function roomFor(
  hive: Hive,
  { size, device = "auto" }: { size: number; device?: string },
  occupancy: Occupancy,
): { room: Room; free: number } {
  const { devices = [] } = hive.inventory ?? {};
  // A hive that tells nothing of its memory is asked.
  if (devices.length === 0) return { room: "free", free: 0 };
  const { spaces, leaving } = spacesOf(hive, devices, occupancy);
  const wished = spaces.filter(({ id }) => device === "auto" || answersTo(id, device));
  const need = size * NEED_FACTOR;
  const free = Math.max(0, ...wished.map(({ left }) => left));
  if (wished.some(({ left }) => need <= left)) return { room: "free", free };
  if (wished.some(({ left, idle }) => need <= left + idle)) return { room: "idle", free };
  const fitsAtAll = wished.some(({ memory_total_bytes, pinned }) => need <= memory_total_bytes - pinned);
  return { room: leaving && fitsAtAll ? "busy" : "never", free };
}

/** The devices of a hive with what workers take of them; and whether any of those goes sooner or later. */
function spacesOf(hive: Hive, devices: readonly Device[], occupancy: Occupancy) {
  const { workers = [], models = [] } = hive.inventory ?? {};
  const sizeOf = (model: string): number => (models.find(({ id }) => names(model, id))?.size_bytes ?? 0) * NEED_FACTOR;
  const spaces = devices.map((one): Space => ({ ...one, left: one.memory_free_bytes, idle: 0, pinned: 0 }));
  for (const model of pending(hive, occupancy)) {
    const space = spaces.reduce((most, one) => (one.left > most.left ? one : most));
    space.left = Math.max(0, space.left - sizeOf(model));
  }
  let leaving = occupancy.loads(hive.hive_id).length > 0;
  for (const worker of workers) {
    const busy = occupancy.of(hive.hive_id, worker) > 0;
    leaving ||= goes(worker, busy);
    const space = spaces.find(({ id }) => id === worker.device);
    if (space === undefined) continue;
    const bytes = worker.memory_bytes ?? sizeOf(worker.model);
    if (worker.held === "pinned") space.pinned += bytes;
    if (worker.state === "ready" && worker.held === undefined && !busy) space.idle += bytes;
  }
  return { spaces, leaving };
}

/** One that a person started and nobody uses stays as long as it is left alone. */
const goes = ({ state, held, keep_alive }: WorkerInfo, busy: boolean): boolean =>
  state !== "dead" && held !== "pinned" && (state !== "ready" || busy || keep_alive !== undefined);

/** What is being loaded there takes memory that its devices still show as free. */
function pending({ hive_id, inventory }: Hive, occupancy: Occupancy): string[] {
  const { workers = [] } = inventory ?? {};
  const starting = workers.filter(({ state }) => state === "starting").map(({ model }) => model);
  const asked = occupancy.loads(hive_id).filter((model) => !workers.some((worker) => names(model, worker.model)));
  return [...starting, ...asked];
}

/**
 * The hive where a model would best run: one that has it loaded there, else one with room for it, if need be that of idle
 * workers; of equals the one with the file, then the roomiest. Undefined when no hive has such a device.
 */
export function roomiest(wish: RoomWish, hives: readonly Hive[], occupancy: Occupancy): Hive | undefined {
  const { model, device } = wish;
  const sizes = hives.flatMap((hive) => filesOf(hive, model).map(({ size_bytes }) => size_bytes));
  // Before anybody has it nobody knows its size; then the roomiest has the best chance.
  const size = sizes.length === 0 ? 0 : Math.min(...sizes);
  const ranked = hives.flatMap((hive) => {
    const devices = (hive.inventory?.devices ?? []).filter(({ id }) => device === "auto" || answersTo(id, device));
    if (devices.length === 0) return [];
    const fits = devices.filter(({ memory_free_bytes }) => memory_free_bytes >= size * NEED_FACTOR);
    const most = Math.max(...(fits.length === 0 ? devices : fits).map(worth));
    const tier = rooms.length - rooms.indexOf(roomFor(hive, { size, device }, occupancy).room);
    return [{ hive, rank: [Number(isLoaded(hive, wish)), tier, Math.sign(filesOf(hive, model).length), most] }];
  });
  return ranked.toSorted((one, other) => compare(other.rank, one.rank))[0]?.hive;
}

function compare(one: readonly number[], other: readonly number[]): number {
  const at = one.findIndex((value, index) => value !== other[index]);
  return at < 0 ? 0 : (one[at] ?? 0) - (other[at] ?? 0);
}

/** A GPU is worth more than any memory beside it. */
const GPU_FACTOR = 1_000;
const worth = ({ kind, memory_free_bytes }: Device): number => memory_free_bytes * (kind === "cpu" ? 1 : GPU_FACTOR);

const isLoaded = (hive: Hive, { model, device }: RoomWish): boolean =>
  (hive.inventory?.workers ?? []).some(
    (worker) =>
      worker.state === "ready" && names(model, worker.model) && (device === "auto" || answersTo(worker.device, device)),
  );

const filesOf = (hive: Hive, model: string) =>
  (hive.inventory?.models ?? []).filter((file) => file.status === "ready" && names(model, file.id));

function answersTo(id: string, wish: string): boolean {
  const [kind, number = "0"] = id.split(":");
  if (/^\d+$/.test(wish)) return kind !== "cpu" && number === wish;
  const [wanted, index] = wish.split(":");
  return kind === wanted && (index === undefined || index === number);
}
