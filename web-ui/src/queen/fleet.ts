import type { FleetState, HiveInfo } from "@rbee/sdk";
import { useHeartbeats } from "@rbee/sdk/react";
import { useEffect, useState } from "react";
import { signOut } from "../session.ts";

export type Fleet = FleetState;

/** The fleet, live. */
export const useFleet = useHeartbeats;

/** Those that can be asked for something now. */
export const useConnectedHives = (): readonly HiveInfo[] =>
  (useFleet().fleet?.hives ?? []).filter(({ connected }) => connected);

/** What can answer, those that wait in memory first. */
export function modelsOf({ workers, hives }: Fleet): string[] {
  const loaded = workers.filter(({ state }) => state === "ready").map(({ model }) => model);
  const onDisk = hives
    .filter(({ connected }) => connected)
    .flatMap(({ models }) => models.filter(({ status }) => status === "ready").map(({ id }) => id));
  return [...new Set([...loaded, ...onDisk])];
}

export const isRefusal = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "unauthorized";

/** A key that the queen does not know any more ends the session. */
export function useRefusal(): void {
  const { error } = useHeartbeats();
  useEffect(() => {
    if (isRefusal(error)) signOut(error);
  }, [error]);
}

/** A moment that moves on, for "12 s ago". */
export function useNow(every_ms = 1_000): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every_ms);
    return () => clearInterval(timer);
  }, [every_ms]);
  return now;
}
