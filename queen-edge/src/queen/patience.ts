import { limits, problemOf, type Problem } from "@rbee/contracts";
import type { Ledger } from "./ledger.ts";
import type { OpenJob, Want } from "./want.ts";

/** Until when a queued job waits; `undefined`: for as long as it takes. */
export const waitsUntil = ({ want, since }: OpenJob): number | undefined =>
  want.max_wait_ms === undefined ? undefined : since + want.max_wait_ms;

/** What a job is told that has waited as long as it would. */
export const tooLate = ({ max_wait_ms = 0 }: Want): Problem =>
  problemOf("deadline_exceeded", `there was no place for it within ${Math.round(max_wait_ms / 1_000)} s`);

/** Why no more jobs are taken, if so. */
export function tooMany(ledger: Pick<Ledger, "openCount" | "openOf">, { key_id = "" }: Want): Problem | undefined {
  const { open_jobs_max, open_jobs_per_key_max } = limits;
  if (ledger.openCount >= open_jobs_max) return problemOf("queue_full", `${open_jobs_max} jobs are open`);
  return ledger.openOf(key_id) >= open_jobs_per_key_max
    ? problemOf("queue_full", `${open_jobs_per_key_max} jobs of this key are open`)
    : undefined;
}

/** Jobs that a key may still submit before one of its own, or of anyone's, has ended. */
export function placesLeft(ledger: Pick<Ledger, "openCount" | "openOf">, key_id: string): number {
  const { open_jobs_max, open_jobs_per_key_max } = limits;
  return Math.max(0, Math.min(open_jobs_max - ledger.openCount, open_jobs_per_key_max - ledger.openOf(key_id)));
}
