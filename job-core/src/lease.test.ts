import { limits } from "@rbee/contracts";
import { describe, expect, test } from "vitest";
import { cancelling, dueAt, examine, heard, laneBack, laneGone } from "./lease.ts";
import { newlyQueued, place, type Placed } from "./phase.ts";

const placed = place(newlyQueued("", 1), { hive_id: "h" }, 1_000);
const whatAt = (phase: Placed, now: number) => examine(phase, now, undefined).what;

describe("a placed job's lease", () => {
  test("[JOB-3] a sign of life renews the lease and never shortens it", () => {
    expect(heard(placed, 5_000).lease_until).toBe(5_000 + limits.lease_ms);
    expect(heard(placed, -100_000).lease_until).toBe(placed.lease_until);
    expect(whatAt(placed, placed.lease_until - 1)).toBe("nothing");
    expect(whatAt(placed, placed.lease_until)).toBe("silent");
  });

  test("[JOB-7] a lane that is gone gives its hive one lease's time, however often that is noticed", () => {
    const gone = laneGone(placed, 10_000, limits.lease_ms);
    expect(gone.lease_until).toBe(10_000 + limits.lease_ms);
    expect(laneGone(gone, 35_000, limits.lease_ms)).toBe(gone);
    expect(laneGone(laneBack(gone, 12_000), 35_000, limits.lease_ms).lease_until).toBe(35_000 + limits.lease_ms);
  });

  test("[JOB-7] a lane that is back gives its hive a whole lease, though it had less time to come back", () => {
    const back = laneBack(laneGone(placed, 10_000, limits.failover_ms), 12_000);
    expect(whatAt(back, 10_000 + limits.failover_ms)).toBe("nothing");
    expect(dueAt(back)).toBe(12_000 + limits.lease_ms);
  });

  test("[JOB-7] readers are told once of a hive that is away", () => {
    const gone = laneGone(placed, 10_000, limits.lease_ms);
    expect(dueAt(gone)).toBe(10_000 + limits.away_notice_ms);
    expect(whatAt(gone, dueAt(gone) - 1)).toBe("nothing");
    const { what, phase: told } = examine(gone, dueAt(gone), undefined);
    expect(what).toBe("away");
    expect(whatAt(told, 20_000)).toBe("nothing");
    expect(dueAt(told)).toBe(gone.lease_until);
    expect(whatAt(told, dueAt(told))).toBe("silent");
  });

  test("[JOB-8] a queen that slept, or whose clock jumped, takes nothing for proven that did not come meanwhile", () => {
    const DAY_MS = 86_400_000;
    const running = cancelling(heard(placed, 20_000), 20_000);
    for (const now of [dueAt(running) + DAY_MS, 20_000 - DAY_MS]) {
      const { what, phase: after } = examine(running, now, undefined);
      expect(what).toBe("nothing");
      expect(after.lease_until).toBe(now + limits.lease_ms);
      expect(after.cancel_until).toBe(now + limits.cancel_grace_ms);
    }
    const onTime = dueAt(running);
    expect(whatAt(running, onTime)).toBe("cancel_unanswered");
    expect(whatAt(running, onTime + limits.alarm_late_ms)).toBe("cancel_unanswered");
    const from_the_future = examine(heard(placed, 20_000), 20_000, 20_000 + DAY_MS).phase;
    expect(from_the_future.lease_until).toBe(20_000 + limits.lease_ms);
  });

  test("a second cancel does not give the hive more time", () => {
    const once = cancelling(placed, 100);
    expect(cancelling(once, 5_000)).toBe(once);
    expect(whatAt(once, 100 + limits.cancel_grace_ms)).toBe("cancel_unanswered");
    expect(dueAt(once)).toBe(Math.min(placed.lease_until, 100 + limits.cancel_grace_ms));
  });
});
