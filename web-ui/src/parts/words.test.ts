import { expect, test } from "vitest";
import { ago, bytes, duration } from "./words.ts";

test("a duration is rounded before it is taken apart: no minute has 60 seconds", () => {
  expect(duration(999.4)).toBe("999 ms");
  expect(duration(999.6)).toBe("1.0 s");
  expect(duration(9_940)).toBe("9.9 s");
  expect(duration(9_990)).toBe("10 s");
  expect(duration(59_700)).toBe("1 min 0 s");
  expect(duration(3_599_700)).toBe("1 h 0 min");
  expect(duration(5_400_000)).toBe("1 h 30 min");
  expect(duration(3 * 86_400_000)).toBe("3 d");
});

test("a time ago, and a size", () => {
  expect(ago(0, 4_000)).toBe("just now");
  expect(ago(0, 90_000)).toBe("1 min ago");
  expect(bytes(0)).toBe("0 B");
  expect(bytes(1_536)).toBe("1.5 KiB");
  expect(bytes(12.3 * 1_024 ** 3)).toBe("12 GiB");
  expect(bytes(1_024 ** 2 - 1)).toBe("1.0 MiB");
});
