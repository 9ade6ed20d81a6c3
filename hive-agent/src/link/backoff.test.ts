import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Backoff } from "./backoff.ts";

test("[AGENT-14] the first try is at once; each later one falls into a window of its own, and windows grow to a bound", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 1, maxLength: 40 }),
      (chances) => {
        const backoff = new Backoff(250, 30_000);
        expect(backoff.next(0, 0.7)).toBe(0);
        let now = 0;
        let windowStart = 0;
        for (const [i, chance] of chances.entries()) {
          const width = Math.min(30_000, 250 * 2 ** i);
          now += backoff.next(now, chance);
          expect(now).toBeGreaterThanOrEqual(windowStart);
          expect(now).toBeLessThanOrEqual(windowStart + width);
          windowStart += width;
        }
        backoff.reset();
        expect(backoff.next(now, 0.7)).toBe(0);
      },
    ),
  );
});
