import { limits, operationOf, type JobEvent } from "@rbee/contracts";
import type { Ended, JobSpec, Placed } from "@rbee/job-core";

export { endingOf, failed, lastEventOf } from "@rbee/job-core";

/** What readers are told when a hive is given a job; from the second time on with how it goes on. */
export const dispatchedEvents = ({ hive_id, dispatches }: Placed, tokens_kept: number): JobEvent[] => [
  { type: "state", state: "dispatched", hive_id },
  ...(dispatches < 2 ? [] : [{ type: "attempt" as const, attempt: dispatches, hive_id, tokens_kept }]),
];

/** Until when an ended job is kept. */
export function keptUntil({ operation }: JobSpec, { finished_at }: Ended): number {
  const { secret = false } = operationOf(operation);
  return finished_at + (secret ? limits.secret_retention_ms : limits.job_retention_ms);
}
