import { setTimeout } from "node:timers/promises";

const SLICE_MS = 5;

const signal = (pids: readonly number[], name: NodeJS.Signals): void => pids.forEach((pid) => process.kill(pid, name));

export const freeze = (pids: readonly number[]): void => signal(pids, "SIGSTOP");
export const thaw = (pids: readonly number[]): void => signal(pids, "SIGCONT");

/**
 * Lets frozen engines run for moments only until it is so, and leaves them frozen: at full speed one is through with its
 * answer before a busy machine shows the first word of it.
 */
export async function runInSlices(pids: readonly number[], isSo: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await isSo())) {
    thaw(pids);
    await setTimeout(SLICE_MS);
    freeze(pids);
    // What was said meanwhile arrives.
    await setTimeout(SLICE_MS);
  }
}
