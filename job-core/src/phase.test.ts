import { limits } from "@rbee/contracts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  cancelling,
  dueAt,
  endedByHive,
  endedByQueen,
  fateOf,
  heard,
  isEnded,
  laneBack,
  laneGone,
  newlyQueued,
  overdue,
  place,
  requeue,
  visibleState,
  type Phase,
} from "./phase.ts";

const placed = place(newlyQueued("", 1), { hive_id: "h" }, 1_000);

describe("a job's phases", () => {
  test("[JOB-2] terms only grow, and their parity says who writes", () => {
    expect(placed.term).toBe(1);
    const again = requeue(placed, "lost");
    expect(again.term).toBe(2);
    expect(place(again, { hive_id: "i" }, 0).term).toBe(3);
  });

  test("[JOB-3] a sign of life renews the lease and never shortens it", () => {
    expect(heard(placed, 5_000).lease_until).toBe(5_000 + limits.lease_ms);
    expect(heard(placed, -100_000).lease_until).toBe(placed.lease_until);
    expect(overdue(placed, placed.lease_until - 1)).toBeUndefined();
    expect(overdue(placed, placed.lease_until)).toBe("lease");
  });

  test("[JOB-7] a lane that is gone gives its hive one lease's time, however often that is noticed", () => {
    const gone = laneGone(placed, 10_000);
    expect(gone.lease_until).toBe(10_000 + limits.lease_ms);
    expect(laneGone(gone, 35_000)).toBe(gone);
    expect(laneGone(laneBack(gone), 35_000).lease_until).toBe(35_000 + limits.lease_ms);
  });

  test("[JOB-5] the queen's ending stands in a term of her own, a hive's in its own", () => {
    expect(endedByQueen(placed, { state: "failed", now: 2 }).term).toBe(2);
    expect(endedByHive(placed, { state: "succeeded", now: 2 }).term).toBe(1);
    expect(endedByQueen(newlyQueued(""), { state: "cancelled", now: 2 }).term).toBe(0);
  });

  test("[JOB-6] what was shown is never contradicted by a second run", () => {
    expect(fateOf(placed, "always", true)).toBe("requeue");
    expect(fateOf(placed, "unseen", false)).toBe("requeue");
    expect(fateOf(placed, "unseen", true)).toBe("hive_lost");
    expect(fateOf(placed, "never", false)).toBe("hive_lost");
    expect(fateOf({ ...placed, dispatches: limits.dispatches_max }, "always", false)).toBe("attempts_exhausted");
  });

  test("a second cancel does not give the hive more time", () => {
    const once = cancelling(placed, 100);
    expect(cancelling(once, 5_000)).toBe(once);
    expect(overdue(once, 100 + limits.cancel_grace_ms)).toBe("cancel");
    expect(dueAt(once)).toBe(Math.min(placed.lease_until, 100 + limits.cancel_grace_ms));
  });

  test("a client sees `running` once the hive has shown itself", () => {
    expect(visibleState(placed, false)).toBe("dispatched");
    expect(visibleState(placed, true)).toBe("running");
  });

  test("however a job is pushed about, its term never falls and its dispatches are counted", () => {
    const step = fc.constantFrom("place", "lose", "cancel", "hear");
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let phase: Phase = newlyQueued("");
        let dispatches = 0;
        for (const [now, what] of steps.entries()) {
          const before = phase.term;
          if (isEnded(phase)) break;
          if (what === "place" && phase.state === "queued") {
            phase = place(phase, { hive_id: "h" }, now);
            dispatches++;
          } else if (what === "lose" && phase.state === "placed") phase = requeue(phase, "");
          else if (what === "hear" && phase.state === "placed") phase = heard(phase, now);
          else if (what === "cancel") phase = endedByQueen(phase, { state: "cancelled", now });
          expect(phase.term).toBeGreaterThanOrEqual(before);
          expect(phase.dispatches).toBe(dispatches);
        }
      }),
    );
  });
});
