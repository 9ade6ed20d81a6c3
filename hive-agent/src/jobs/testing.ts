import type { Op, PackedEvent } from "@rbee/contracts";
import type { Journal } from "./journal.ts";
import type { Outbox } from "./outbox.ts";

/** An operation as the queen would send it; for tests. */
export const op = (term = 1, job_id = `job_${"a".repeat(26)}`): Op => ({
  t: "op",
  job_id,
  term,
  operation: "model_list",
  input: {},
  lane_token: "token",
});

/** Puts into the journal what is new, and counts it. */
export function write(journal: Journal, outbox: Outbox): void {
  journal.batch(() => outbox.write());
  outbox.written();
}

/** What the outbox lets go now. */
export const framesOf = (outbox: Outbox): { t: string; first?: number; items?: PackedEvent[]; final?: number }[] => {
  const frames = [];
  for (let frame = outbox.next(); frame !== undefined; frame = outbox.next()) frames.push(JSON.parse(frame));
  return frames;
};
