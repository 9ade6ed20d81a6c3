import { expect } from "vitest";

/**
 * What a loaded machine may be late with anything, beyond what is promised. Whatever a test tells apart by time differs by
 * much more.
 */
export const LATE_MS = 3_000;

/** A chance makes one of them late; what is late each time is slow. */
const TRIES = 3;

/** Measures until once it is as fast as promised. @param measure does it all anew, and says how many ms it took */
export async function best(promised_ms: number, measure: () => Promise<number>): Promise<void> {
  const took: number[] = [];
  while (took.length < TRIES && !took.some((ms) => ms < promised_ms)) {
    const ms = await measure();
    expect(ms).toBeLessThan(promised_ms + LATE_MS);
    took.push(ms);
  }
  expect(Math.min(...took)).toBeLessThan(promised_ms);
}
