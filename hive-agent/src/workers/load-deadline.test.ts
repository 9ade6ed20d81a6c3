import { limits } from "@rbee/contracts";
import { expect, test } from "vitest";
import { LoadDeadline, loadTime } from "./load-deadline.ts";

test("a larger model has more time, and one that gets on has as long as it gets on", () => {
  const GIB = 1024 ** 3;
  expect(loadTime({ size_bytes: 8 * GIB })).toBe(limits.load_base_ms + 8 * limits.load_ms_per_gib);
  let now = 0;
  const deadline = new LoadDeadline(1_000, () => now);
  deadline.moved(0.1);
  now = limits.load_stall_ms - 1;
  expect(deadline.left()).toBe(1);
  deadline.moved(0.2);
  now += limits.load_stall_ms - 1;
  // Saying the same again is not getting on.
  deadline.moved(0.2);
  expect(deadline.left()).toBe(1);
  now += 1;
  expect(deadline.left()).toBe(0);
});
