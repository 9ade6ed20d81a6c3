const { _tickCallback } = process as unknown as { _tickCallback?: () => void };

/**
 * Runs every microtask that is ready, now. Node's own name for it is the only synchronous way, and what makes a seed one
 * plain function call. It does nothing inside a microtask, so callers begin in a macrotask (`inMacrotask`).
 */
export const drainMicrotasks: () => void =
  _tickCallback ??
  (() => {
    throw new Error("this Node cannot drain microtasks synchronously");
  });

/** Runs work outside of any microtask. */
export const inMacrotask = <T>(work: () => T): Promise<T> =>
  new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        resolve(work());
      } catch (error) {
        reject(error);
      }
    });
  });
