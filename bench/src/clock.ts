/**
 * Milliseconds of the machine's monotonic clock, the same in all of its processes. `performance.timeOrigin` is not good
 * enough for that: where the system's time is being corrected, two processes differ by milliseconds.
 */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;
