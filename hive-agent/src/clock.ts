import { performance } from "node:perf_hooks";

/** Stops what was scheduled; harmless afterwards. */
export type Cancel = () => void;

/** Time and chance, passed in so that tests and the simulator can drive the real code. */
export interface Clock {
  /** Monotonic milliseconds: for everything that is measured. A wall clock may jump; leases must not. */
  now(): number;
  /** Milliseconds since the epoch: only for what another machine reads. */
  wall(): number;
  after(ms: number, run: () => void): Cancel;
  /** After everything that is ready now has run: what is ready together goes out together. */
  soon(run: () => void): Cancel;
  /** Uniform in [0, 1). */
  random(): number;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  soon(run) {
    const immediate = setImmediate(run);
    return () => clearImmediate(immediate);
  },
  random: () => Math.random(),
};
