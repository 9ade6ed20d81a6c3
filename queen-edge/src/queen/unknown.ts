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

/** @param named the only hive that would have done */
export function unknownModel(model: string, hives: readonly Hive[], named?: Hive): string {
  const files = (named === undefined ? hives : [named]).flatMap((hive) => hive.inventory?.models ?? []);
  const known = files.filter(({ status }) => status === "ready").map(({ id }) => id);
  const who = named === undefined ? "no hive has" : `${named.hive_id} does not have`;
  const none = named === undefined ? "none has any model yet" : "it has no model yet";
  return `${who} ${JSON.stringify(model)}; ${listed([...new Set(known)], none)}`;
}

export const unknownWorker = (worker_id: string, workers: readonly ActiveWorker[]): string =>
  `no worker ${worker_id}; ${listed(
    workers.map((worker) => worker.worker_id),
    "there is none",
  )}`;
