import { useEffect } from "react";
import { session } from "../session.ts";
import { Store, useStore } from "../store.ts";
import { useFleet, type Fleet } from "./fleet.ts";

/** One look at how fast the fleet is. */
interface Figure {
  readonly at: number;
  /** Tokens that all workers make in a second while they are busy. */
  readonly tokens_per_s: number;
  /** Of the jobs whose first token came since the last look; none when there were none. */
  readonly ttft_s: number | null;
}

interface Counters {
  readonly sum: number;
  readonly count: number;
}

export const window_s = 600;
const look_ms = 2_000;
const FIGURES_MAX = (window_s * 1_000) / look_ms;

/** Kept while the app is open, whatever page is shown; a queen remembers sums, not a course over time. */
const figures = new Store<readonly Figure[]>([]);

export const useFigures = (): readonly Figure[] => useStore(figures);

/** Notes the figures every other second. */
export function useFigureTaking(): void {
  const { fleet } = useFleet();
  latest = fleet;
  useEffect(() => {
    let before: Counters | undefined;
    const look = async (): Promise<void> => {
      if (latest === undefined || document.hidden) return;
      const now = await ttftCounters();
      const figure = { at: Date.now() / 1_000, tokens_per_s: speedOf(latest), ttft_s: meanBetween(before, now) };
      before = now;
      figures.update((all) => [...all, figure].slice(-FIGURES_MAX));
    };
    const timer = setInterval(() => void look(), look_ms);
    return () => clearInterval(timer);
  }, []);
}

let latest: Fleet | undefined;

/** A worker's own speed for as many answers as it is writing. */
const speedOf = ({ workers }: Fleet): number =>
  workers.reduce((sum, { slots_busy, tokens_per_s = 0 }) => sum + (slots_busy > 0 ? tokens_per_s * slots_busy : 0), 0);

const meanBetween = (before: Counters | undefined, now: Counters | undefined): number | null =>
  before === undefined || now === undefined || now.count <= before.count
    ? null
    : (now.sum - before.sum) / (now.count - before.count);

/** From the queen's metrics; a hive's local server has none. */
async function ttftCounters(): Promise<Counters | undefined> {
  const { key } = session.get();
  try {
    const response = await fetch("/metrics", { headers: { authorization: `Bearer ${key}` } });
    if (!response.ok) return undefined;
    const text = await response.text();
    const read = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1] ?? 0);
    return { sum: read("rbee_ttft_seconds_sum"), count: read("rbee_ttft_seconds_count") };
  } catch {
    return undefined;
  }
}
