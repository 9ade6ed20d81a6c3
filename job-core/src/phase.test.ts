import { limits } from "@rbee/contracts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  endedByHive,
  endedByQueen,
  fateOf,
  isEnded,
  newlyQueued,
  place,
  requeue,
  visibleState,
  type Phase,
} from "./phase.ts";
import { heard } from "./lease.ts";

const placed = place(newlyQueued("", 1), { hive_id: "h" }, 1_000);

describe("a job's phases", () => {
  test("[JOB-2] terms only grow, and their parity says who writes", () => {
    expect(placed.term).toBe(1);
    const again = requeue(placed, "lost");
    expect(again.term).toBe(2);
    expect(place(again, { hive_id: "i" }, 0).term).toBe(3);
  });

  test("[JOB-4] [JOB-5] the queen's ending stands in a term of her own, a hive's in its own", () => {
    expect(endedByQueen(placed, { state: "failed", now: 2 }).term).toBe(2);
    expect(endedByHive(placed, { state: "succeeded", now: 2 }).term).toBe(1);
    expect(endedByQueen(newlyQueued(""), { state: "cancelled", now: 2 }).term).toBe(0);
  });

  test("[JOB-6] what was shown is never contradicted by a second run", () => {
    const unseen = { shown: false, continues: false };
    const shown = { shown: true, continues: false };
    expect(fateOf(placed, "always", shown)).toBe("requeue");
    expect(fateOf(placed, "unseen", unseen)).toBe("requeue");
    expect(fateOf(placed, "unseen", shown)).toBe("hive_lost");
    expect(fateOf(placed, "unseen", { shown: true, continues: true })).toBe("requeue");
    expect(fateOf(placed, "never", { shown: true, continues: true })).toBe("hive_lost");
    expect(fateOf({ ...placed, dispatches: limits.dispatches_max }, "always", unseen)).toBe("attempts_exhausted");
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
