import { setTimeout } from "node:timers/promises";
import { freeze, thaw } from "./process.ts";

const SLICE_MS = 5;
/** However slow the machine: what does not come in so many slices does not come. */
const SLICING_MS = 60_000;

/**
 * Lets frozen engines run for moments only until it is so, and leaves them frozen: at full speed one is through with its
 * answer before a busy machine shows the first word of it.
 *
 * @param ended whoever hears them hears no more
 */
export async function runInSlices(
  pids: readonly number[],
  isSo: () => Promise<boolean> | boolean,
  ended?: AbortSignal,
): Promise<void> {
  const enough = AbortSignal.any([AbortSignal.timeout(SLICING_MS), ...(ended === undefined ? [] : [ended])]);
  while (!(await isSo())) {
    thaw(pids);
    await setTimeout(SLICE_MS, undefined, { signal: enough });
    freeze(pids);
    // What was said meanwhile arrives.
    await setTimeout(SLICE_MS, undefined, { signal: enough });
  }
}
