import type { JobEvent } from "@rbee/contracts";
import type { Placed } from "@rbee/job-core";

export { endingOf, failed, lastEventOf } from "@rbee/job-core";

/** What readers are told when a hive is given a job; from the second time on with how it goes on. */
export const dispatchedEvents = ({ hive_id, dispatches }: Placed, tokens_kept: number): JobEvent[] => [
  { type: "state", state: "dispatched", hive_id },
  ...(dispatches < 2 ? [] : [{ type: "attempt" as const, attempt: dispatches, hive_id, tokens_kept }]),
];
