import { expect, test } from "vitest";
import { stopsSince } from "./counters.ts";

test("a hive counts from the start of its agent: what it said before is not counted again, nor is a restart a loss", () => {
  expect(stopsSince(undefined, { idle: 2, memory: 1 })).toEqual({ idle: 2, memory: 1 });
  expect(stopsSince({ idle: 2, memory: 1 }, { idle: 2, memory: 4 })).toEqual({ idle: 0, memory: 3 });
  expect(stopsSince({ idle: 2, memory: 4 }, { idle: 1, memory: 0 })).toEqual({ idle: 1, memory: 0 });
  // A hive of the version before tells nothing.
  expect(stopsSince(undefined, undefined)).toEqual({ idle: 0, memory: 0 });
});
