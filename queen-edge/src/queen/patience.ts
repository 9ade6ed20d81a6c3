import { limits, problemOf, type Problem } from "@rbee/contracts";
import type { OpenJob, Want } from "./ledger.ts";

/** Until when a queued job waits; `undefined`: for as long as it takes. */
export const waitsUntil = ({ want, since }: OpenJob): number | undefined =>
  want.max_wait_ms === undefined ? undefined : since + want.max_wait_ms;

/** What a job is told that has waited as long as it would. */
export const tooLate = ({ max_wait_ms = 0 }: Want): Problem =>
  problemOf("deadline_exceeded", `there was no place for it within ${Math.round(max_wait_ms / 1_000)} s`);

/** Where a job that moves up is told so: each word costs its object two rows. In between it stands nearer than it was told. */
export const toldPositions: ReadonlySet<number> = new Set([1, 2, 3, 4, 8, limits.queue_watch_max]);
