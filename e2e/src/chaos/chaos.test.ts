import { expect, test } from "vitest";
import { summarize } from "./report.ts";
import { faultKinds, soak } from "./soak.ts";

const MINUTES = 2;
/** Two minutes of faults, and then as long as the slowest of the protocol's waits may take. */
const WITHIN_MS = 600_000;

test(
  "two minutes of every fault there is: nothing lost, doubled, left hanging or left behind",
  { timeout: WITHIN_MS },
  async () => {
    const summary = summarize(
      await soak({
        seed: 20_261_121,
        minutes: MINUTES,
        only: faultKinds,
        real: true,
        patient: false,
        say: () => undefined,
      }),
    );
    expect(summary.violations).toEqual([]);
    expect(summary.kills).toBeGreaterThan(0);
    expect(summary.jobs["succeeded"]).toBeGreaterThan(20);
  },
);
