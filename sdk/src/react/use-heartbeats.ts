import { useSyncExternalStore } from "react";
import type { Live } from "./fleet-watch.ts";
import { useContextOfRbee } from "./provider.ts";

export type { Live } from "./fleet-watch.ts";

/** The fleet, live: hives, workers, the queue and the newest jobs. All hooks on a page share one stream. */
export function useHeartbeats(): Live {
  const { watch } = useContextOfRbee();
  return useSyncExternalStore(watch.subscribe, watch.now, watch.now);
}
