import { useEffect, useMemo, useRef } from "react";
import type { FleetTotals } from "@rbee/sdk";
import { Store, useStore } from "../store.ts";
import { useFleet } from "./fleet.ts";
import { figuresOf, type Figure, type Look } from "./rates.ts";

export const window_s = 600;
const look_ms = 2_000;
const LOOKS_MAX = (window_s * 1_000) / look_ms;

/** Kept while the app is open, whatever page is shown; a queen remembers sums, not a course over time. */
const looks = new Store<readonly Look[]>([]);

/** The course of the fleet's figures since the app was opened; nothing where nobody keeps books. */
export function useFigures(): readonly Figure[] {
  const all = useStore(looks);
  return useMemo(() => figuresOf(all), [all]);
}

/** Notes the totals every other second, while they are news. */
export function useFigureTaking(): void {
  const { fleet, connected } = useFleet();
  const totals = useRef<FleetTotals>(undefined);
  totals.current = connected ? fleet?.totals : undefined;
  useEffect(() => {
    const timer = setInterval(() => {
      const now = totals.current;
      if (now !== undefined) looks.update((all) => [...all, { ...now, at: Date.now() / 1_000 }].slice(-LOOKS_MAX));
    }, look_ms);
    return () => clearInterval(timer);
  }, []);
}
