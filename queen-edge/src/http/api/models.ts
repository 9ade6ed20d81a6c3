import { RbeeError, type HiveInfo, type ModelInfo } from "@rbee/contracts";
import { registryOf } from "../../durable/ports.ts";
import { names } from "../../queen/model-names.ts";
import { listed } from "../../queen/unknown.ts";
import type { ApiCaller } from "./caller.ts";

/** A model that some hive of the fleet serves. */
export interface ServedModel {
  readonly id: string;
  /** Who made it, as far as its name tells. */
  readonly owner: string;
  /** When a hive that has it joined, in milliseconds since the epoch. */
  readonly since: number;
  readonly size_bytes: number;
  readonly digest: string | undefined;
  /** Hives that have it. */
  readonly hives: readonly string[];
}

/** Every model of the fleet once, also those of hives that are away: what is asked of them waits. */
export async function servedModels({ env, principal }: ApiCaller): Promise<ServedModel[]> {
  const { hives, workers } = await registryOf(env, principal.colony).status(principal.colony);
  const found = new Map<string, ServedModel>();
  const add = (id: string, hive: HiveInfo | undefined, file: Partial<ModelInfo> = {}) => {
    const known = found.get(id);
    const since = hive?.enrolled_at ?? 0;
    found.set(id, {
      id,
      owner: id.includes("/") ? (id.split("/")[0] ?? "rbee") : "rbee",
      since: Math.min(known?.since ?? since, since),
      size_bytes: known?.size_bytes ?? file.size_bytes ?? 0,
      digest: known?.digest ?? file.digest,
      hives: [...new Set([...(known?.hives ?? []), ...(hive === undefined ? [] : [hive.hive_id])])],
    });
  };
  for (const hive of hives) for (const file of hive.models) if (file.status === "ready") add(file.id, hive, file);
  const hiveOf = (id: string) => hives.find(({ hive_id }) => hive_id === id);
  // Servers that workers are attached to have models that are no files.
  for (const { model, hive_id } of workers) add(model, hiveOf(hive_id));
  return [...found.values()].toSorted((one, other) => (one.id < other.id ? -1 : 1));
}

/** `bee-tiny:f16` is `bee-tiny` where there is only that. @throws RbeeError model_not_found, naming those there are */
export const findModel = (models: readonly ServedModel[], id: string): ServedModel =>
  models.find((model) => model.id === id) ?? models.find((model) => names(id, model.id)) ?? missing(models, id);

/** For what takes something away: nothing but what was named. @throws RbeeError model_not_found, naming those there are */
export const exactModel = (models: readonly ServedModel[], id: string): ServedModel =>
  models.find((model) => model.id === id) ?? missing(models, id);

function missing(models: readonly ServedModel[], id: string): never {
  const there = listed(
    models.map((model) => model.id),
    "there is none yet",
  );
  throw new RbeeError("model_not_found", `The model '${id.slice(0, 128)}' does not exist here; ${there}`);
}
