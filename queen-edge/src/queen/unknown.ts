import { limits, type ActiveWorker } from "@rbee/contracts";
import type { Hive } from "./fleet.ts";

/** What to say of a name that nobody has: those there are. */

export const listed = (names: readonly string[], none: string): string =>
  names.length === 0
    ? none
    : `there ${names.length === 1 ? "is" : "are"} ${names.slice(0, limits.names_listed_max).join(", ")}`;

export const unknownHive = (hive_id: string, hives: readonly Pick<Hive, "hive_id">[]): string =>
  `no hive ${JSON.stringify(hive_id)}; ${listed(
    hives.map((hive) => hive.hive_id),
    "none has joined yet",
  )}`;

export function unknownModel(model: string, hives: readonly Hive[]): string {
  const files = hives.flatMap((hive) => hive.inventory?.models ?? []);
  const known = files.filter(({ status }) => status === "ready").map(({ id }) => id);
  return `no hive has ${JSON.stringify(model)}; ${listed([...new Set(known)], "none has any model yet")}`;
}

export const unknownWorker = (worker_id: string, workers: readonly ActiveWorker[]): string =>
  `no worker ${worker_id}; ${listed(
    workers.map((worker) => worker.worker_id),
    "there is none",
  )}`;
