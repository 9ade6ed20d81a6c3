import type { Device } from "@rbee/contracts";
import type { Hive } from "./fleet.ts";

/** A model that is to run somewhere, on a device if one is wished for. */
export interface RoomWish {
  readonly model: string;
  /** `auto`, `cpu`, `cuda:0`, …; a bare number is a GPU's. */
  readonly device: string;
}

/** A worker takes its model's size, and as much again as a tenth of it for what it works on. */
const OVERHEAD = 1.1;

type Names = (want: string, id: string) => boolean;

/**
 * The hive where a model would best run: one that has it loaded there, else one that has its file and room for it, else
 * one with room for it, the roomiest first. Of equals the one with the file. Undefined when no hive has such a device.
 */
export function roomiest({ model, device }: RoomWish, hives: readonly Hive[], names: Names): Hive | undefined {
  const sizes = hives.flatMap((hive) => filesOf(hive, model, names).map(({ size_bytes }) => size_bytes));
  // Before anybody has it nobody knows its size; then the roomiest has the best chance.
  const need = sizes.length === 0 ? 0 : Math.min(...sizes) * OVERHEAD;
  const ranked = hives.flatMap((hive) => {
    const devices = (hive.inventory?.devices ?? []).filter(({ id }) => device === "auto" || answersTo(id, device));
    if (devices.length === 0) return [];
    const fits = devices.filter(({ memory_free_bytes }) => memory_free_bytes >= need);
    const room = Math.max(...(fits.length === 0 ? devices : fits).map(roomOf));
    const loaded = isLoaded(hive, { model, device }, names);
    const rank = [loaded, fits.length > 0, filesOf(hive, model, names).length > 0].map(Number);
    return [{ hive, rank: [...rank, room] }];
  });
  return ranked.toSorted((one, other) => compare(other.rank, one.rank))[0]?.hive;
}

function compare(one: readonly number[], other: readonly number[]): number {
  const at = one.findIndex((value, index) => value !== other[index]);
  return at < 0 ? 0 : (one[at] ?? 0) - (other[at] ?? 0);
}

/** A GPU is worth more than any memory beside it. */
const GPU_FACTOR = 1_000;
const roomOf = ({ kind, memory_free_bytes }: Device): number => memory_free_bytes * (kind === "cpu" ? 1 : GPU_FACTOR);

const isLoaded = (hive: Hive, { model, device }: RoomWish, names: Names): boolean =>
  (hive.inventory?.workers ?? []).some(
    (worker) =>
      worker.state === "ready" && names(model, worker.model) && (device === "auto" || answersTo(worker.device, device)),
  );

const filesOf = (hive: Hive, model: string, names: Names) =>
  (hive.inventory?.models ?? []).filter((file) => file.status === "ready" && names(model, file.id));

function answersTo(id: string, wish: string): boolean {
  const [kind, number = "0"] = id.split(":");
  if (/^\d+$/.test(wish)) return kind !== "cpu" && number === wish;
  const [wanted, index] = wish.split(":");
  return kind === wanted && (index === undefined || index === number);
}
