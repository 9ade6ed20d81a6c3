import { limits, problemOf } from "@rbee/contracts";
import type { Placed } from "@rbee/job-core";
import { expect, test } from "vitest";
import { givenBack } from "./loss.ts";

const placed = (round: number): Placed => ({
  state: "placed",
  term: 2 * round - 1,
  dispatches: 1,
  hive_id: "den",
  lease_until: 0,
});
const busy = problemOf("worker_busy", "a wasp keeps the memory");

test("[AGENT-24] a hive that found everything busy costs a job no dispatch, but not for ever", () => {
  const [phase, loss] = givenBack(placed(limits.busy_rounds_max), busy, 5);
  expect(phase.dispatches).toBe(0);
  expect(loss.next).toEqual([{ do: "alarm", at: 5 + limits.busy_pause_ms }]);
  const late = placed(limits.busy_rounds_max + 1);
  expect(givenBack(late, busy, 5)).toEqual([late, { reason: busy.detail, now: 5 }]);
});

test("any other refusal counts, and the job looks for a place at once", () => {
  const phase = placed(1);
  const leaving = problemOf("draining", "the hive is shutting down");
  expect(givenBack(phase, leaving, 5)).toEqual([phase, { reason: leaving.detail, now: 5 }]);
});
