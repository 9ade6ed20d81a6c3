import { problemOf, type Problem } from "@rbee/contracts";
import type { OpenJob, Want } from "./want.ts";

/** Until when a queued job waits; `undefined`: for as long as it takes. */
export const waitsUntil = ({ want, since }: OpenJob): number | undefined =>
  want.max_wait_ms === undefined ? undefined : since + want.max_wait_ms;

/** What a job is told that has waited as long as it would. */
export const tooLate = ({ max_wait_ms = 0 }: Want): Problem =>
  problemOf("deadline_exceeded", `there was no place for it within ${Math.round(max_wait_ms / 1_000)} s`);
