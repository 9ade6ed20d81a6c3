import type { ActiveWorker, FleetState, HiveInfo, ModelInfo } from "@rbee/contracts";
import { useMemo } from "react";
import { emptyFleet } from "../heartbeats.ts";
import { useHeartbeats } from "./use-heartbeats.ts";

/** How live something is. */
interface Liveness {
  /** Nothing was heard yet. */
  readonly loading: boolean;
  readonly connected: boolean;
  readonly error: Error | undefined;
}

/** A model file, and the hive that has it. */
export interface HiveModel extends ModelInfo {
  readonly hive_id: string;
}

function useFleet(): { readonly fleet: FleetState; readonly liveness: Liveness } {
  const { fleet, connected, error } = useHeartbeats();
  return {
    fleet: fleet ?? emptyFleet,
    liveness: { loading: fleet === undefined && error === undefined, connected, error },
  };
}

/** Every hive of the fleet, live. */
export function useHives(): Liveness & { readonly hives: readonly HiveInfo[] } {
  const { fleet, liveness } = useFleet();
  return { ...liveness, hives: fleet.hives };
}

/** The workers of all hives, or of one, live. */
export function useWorkers(hiveId?: string): Liveness & { readonly workers: readonly ActiveWorker[] } {
  const { fleet, liveness } = useFleet();
  const workers = useMemo(() => fleet.workers.filter(({ hive_id }) => isOf(hiveId, hive_id)), [fleet.workers, hiveId]);
  return { ...liveness, workers };
}

/** The models on the disks of all hives, or of one, live. */
export function useModels(hiveId?: string): Liveness & { readonly models: readonly HiveModel[] } {
  const { fleet, liveness } = useFleet();
  const models = useMemo(
    () =>
      fleet.hives
        .filter(({ hive_id }) => isOf(hiveId, hive_id))
        .flatMap(({ hive_id, models }) => models.map((model) => ({ ...model, hive_id }))),
    [fleet.hives, hiveId],
  );
  return { ...liveness, models };
}

const isOf = (wanted: string | undefined, hive_id: string): boolean => wanted === undefined || wanted === hive_id;
