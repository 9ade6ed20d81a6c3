import type { JobEvent, Outcome, Problem } from "@rbee/contracts";
import type { Ended } from "./phase.ts";

export const failed = (error: Problem): Outcome => ({ status: "failed", error });

/** How an outcome is written into the job's phase. */
export function endingOf(outcome: Outcome, now: number): { state: Ended["state"]; error?: Problem; now: number } {
  if (outcome.status === "refused" || outcome.status === "failed")
    return { state: "failed", error: outcome.error, now };
  return { state: outcome.status, now };
}

/** The event that ends a stream. */
export function lastEventOf(outcome: Outcome): JobEvent {
  switch (outcome.status) {
    case "succeeded":
      return { type: "result", result: outcome.result };
    case "cancelled":
      return { type: "state", state: "cancelled" };
    case "failed":
    case "refused": {
      const { type: _uri, ...problem } = outcome.error;
      return { type: "error", ...problem };
    }
  }
}
