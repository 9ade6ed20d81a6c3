import { createContext, useContext, useEffect, useState, type ReactNode } from "react";
import type { ActiveWorker, HiveInfo, JobLine } from "@rbee/sdk";
import { signOut } from "../session.ts";
import { useClient } from "./client.tsx";

export interface Fleet {
  readonly hives: readonly HiveInfo[];
  readonly workers: readonly ActiveWorker[];
  readonly queue: { readonly queued: number; readonly running: number };
  readonly jobs: readonly JobLine[];
}

interface Watched {
  /** Nothing until the first answer. */
  readonly fleet: Fleet | undefined;
  readonly connected: boolean;
  readonly error?: unknown;
}

const Watch = createContext<Watched>({ fleet: undefined, connected: false });

const refresh_ms = 1_000;

/** One look at the fleet for the whole app. */
export function FleetProvider({ children }: { children: ReactNode }) {
  const client = useClient();
  const [watched, setWatched] = useState<Watched>({ fleet: undefined, connected: false });
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    let stopped = false;
    const look = async (): Promise<void> => {
      try {
        const [state, jobs] = await Promise.all([client.run("status", {}), client.list({ limit: 50 })]);
        if (!stopped) setWatched({ fleet: { ...state, jobs }, connected: true });
      } catch (error) {
        if (stopped) return;
        if (isRefusal(error)) return signOut(error);
        setWatched((before) => ({ ...before, connected: false, error }));
      }
      timer = setTimeout(() => void look(), refresh_ms);
    };
    void look();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, [client]);
  return <Watch.Provider value={watched}>{children}</Watch.Provider>;
}

export const isRefusal = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "unauthorized";

export const useFleet = (): Watched => useContext(Watch);

/** A moment that moves on, for "12 s ago". */
export function useNow(every_ms = 1_000): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every_ms);
    return () => clearInterval(timer);
  }, [every_ms]);
  return now;
}
