import type { JobEvent, Outcome, Problem } from "@rbee/contracts";
import type { Ended, Placed } from "@rbee/job-core";

export const failed = (error: Problem): Outcome => ({ status: "failed", error });

/** How an outcome is written into the job's phase. */
export function endingOf(outcome: Outcome, now: number): { state: Ended["state"]; error?: Problem; now: number } {
  if (outcome.status === "refused" || outcome.status === "failed")
    return { state: "failed", error: outcome.error, now };
  return { state: outcome.status, now };
}

/** What readers are told when a hive is given a job; from the second time on with how it goes on. */
export const dispatchedEvents = ({ hive_id, dispatches }: Placed, tokens_kept: number): JobEvent[] => [
  { type: "state", state: "dispatched", hive_id },
  ...(dispatches < 2 ? [] : [{ type: "attempt" as const, attempt: dispatches, hive_id, tokens_kept }]),
];

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
