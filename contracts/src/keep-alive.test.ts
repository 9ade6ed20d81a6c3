import { expect, test } from "vitest";
import { KeepAlive, STAYS } from "./keep-alive.ts";
import { limits } from "./limits.ts";

test("seconds, or a time as Ollama takes it; below zero is for ever, and nothing is longer than a timer", () => {
  const read = (given: unknown) => KeepAlive.parse(given);
  expect([0, 1.5, "0", "10m", "1h30m", "300ms", "90"].map(read)).toEqual([0, 1.5, 0, 600, 5_400, 0.3, 90]);
  expect([-1, "-1", "-10m", -0.5].map(read)).toEqual([STAYS, STAYS, STAYS, STAYS]);
  expect([1e12, "9999999h"].map(read)).toEqual([limits.keep_alive_s_max, limits.keep_alive_s_max]);
  expect(read(read("10m"))).toBe(600);
});

test("anything else is refused", () => {
  for (const bad of [
    "",
    "m",
    "10 m",
    "ten",
    "1d",
    "--1",
    "1e3",
    Number.NaN,
    Number.POSITIVE_INFINITY,
    null,
    {},
    "9".repeat(99),
  ])
    expect(KeepAlive.safeParse(bad).success, JSON.stringify(bad)).toBe(false);
});
