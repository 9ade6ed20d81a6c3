/** Milliseconds since the epoch, finer than `Date.now`, and the same in every process of one machine. */
export const wall = (): number => performance.timeOrigin + performance.now();
