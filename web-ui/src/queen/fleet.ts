import { RbeeError, type ErrorCode, type FleetState, type HiveInfo } from "@rbee/sdk";
import { useHeartbeats } from "@rbee/sdk/react";
import { useEffect, useState } from "react";
import { signOut } from "../session.ts";

export type Fleet = FleetState;

/** The fleet, live. */
export const useFleet = useHeartbeats;

/** Those that can be asked for something now. */
export const useConnectedHives = (): readonly HiveInfo[] =>
  (useFleet().fleet?.hives ?? []).filter(({ connected }) => connected);

const onDisk = (hives: readonly HiveInfo[]): string[] =>
  hives.flatMap(({ models }) => models.filter(({ status }) => status === "ready").map(({ id }) => id));

/** What can answer, those that wait in memory first. */
export function modelsOf({ workers, hives }: Fleet): string[] {
  const loaded = workers.filter(({ state }) => state === "ready").map(({ model }) => model);
  return [...new Set([...loaded, ...onDisk(hives.filter(({ connected }) => connected))])];
}

/** What can answer again once its hive, or its worker, is back. */
export function modelsAwayOf(fleet: Fleet): string[] {
  const here = modelsOf(fleet);
  const all = new Set([...onDisk(fleet.hives), ...fleet.workers.map(({ model }) => model)]);
  return [...all].filter((id) => !here.includes(id));
}

const hasCode = (error: unknown, code: ErrorCode): boolean => error instanceof RbeeError && error.code === code;

export const isRefusal = (error: unknown): boolean => hasCode(error, "unauthorized");

/** The key is known, and its scope does not reach so far. */
export const isForbidden = (error: unknown): boolean => hasCode(error, "forbidden");

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
