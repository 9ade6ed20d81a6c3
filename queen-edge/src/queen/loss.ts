import { limits, type Problem } from "@rbee/contracts";
import type { Placed } from "@rbee/job-core";
import type { Effect } from "./effects.ts";

/** How a term was lost, and what brings the job its next place: at once, unless it says otherwise. */
export interface Loss {
  readonly reason: string;
  readonly now: number;
  readonly next?: Effect[];
}

/** A hive that found everything busy never had the job: that costs it no dispatch, only a pause, very often. [AGENT-24] */
export function givenBack(phase: Placed, { code, detail: reason }: Problem, now: number): [Placed, Loss] {
  // Each place that a job gets is a term, and the queen has the one between two of them.
  if (code !== "worker_busy" || phase.term > 2 * limits.busy_rounds_max) return [phase, { reason, now }];
  const next: Effect[] = [{ do: "alarm", at: now + limits.busy_pause_ms }];
  return [
    { ...phase, dispatches: phase.dispatches - 1 },
    { reason, now, next },
  ];
}
