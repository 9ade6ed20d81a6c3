import { limits, type Problem } from "@rbee/contracts";
import type { Placed } from "@rbee/job-core";
import type { Effect } from "./effects.ts";

/** How a term was lost, and what brings the job its next place: at once, unless it says otherwise. */
export interface Loss {
  readonly reason: string;
  readonly now: number;
  readonly next?: Effect[];
}

/** A hive that found everything busy never had the job: that may happen as often as it takes, after a pause. [AGENT-24] */
export function givenBack(phase: Placed, { code, detail: reason }: Problem, now: number): [Placed, Loss] {
  if (code !== "worker_busy") return [phase, { reason, now }];
  const next: Effect[] = [{ do: "alarm", at: now + limits.busy_pause_ms }];
  return [
    { ...phase, dispatches: phase.dispatches - 1 },
    { reason, now, next },
  ];
}
