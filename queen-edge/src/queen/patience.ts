import { limits, problemOf, type Problem } from "@rbee/contracts";
import type { Ledger, OpenJob, Want } from "./ledger.ts";
import type { Notice } from "./registry.ts";

/** Until when a queued job waits; `undefined`: for as long as it takes. */
export const waitsUntil = ({ want, since }: OpenJob): number | undefined =>
  want.max_wait_ms === undefined ? undefined : since + want.max_wait_ms;

/** Repeated until the job has ended itself, as any refusal of a queued job. [REG-4] */
export function tooLate({ want, term }: OpenJob): Notice {
  const seconds = Math.round((want.max_wait_ms ?? 0) / 1_000);
  const problem = problemOf("deadline_exceeded", `there was no place for it within ${seconds} s`);
  return { job_id: want.job_id, term, decision: { kind: "refused", problem } };
}

/** Where a job that moves up is told so: each word costs its object two rows. In between it stands nearer than it was told. */
export const toldPositions: ReadonlySet<number> = new Set([1, 2, 3, 4, 8, limits.queue_watch_max]);

/** Why no more jobs are taken, if so. */
export function tooMany(ledger: Pick<Ledger, "openCount" | "openOf">, { key_id = "" }: Want): Problem | undefined {
  const { open_jobs_max, open_jobs_per_key_max } = limits;
  if (ledger.openCount >= open_jobs_max) return problemOf("queue_full", `${open_jobs_max} jobs are open`);
  return ledger.openOf(key_id) >= open_jobs_per_key_max
    ? problemOf("queue_full", `${open_jobs_per_key_max} jobs of this key are open`)
    : undefined;
}
