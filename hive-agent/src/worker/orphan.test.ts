import { expect, test } from "vitest";
import { isOrphan } from "./orphan.ts";

const orphan_ms = 30_000;
const hour_ms = 3_600_000;

test("an idle worker whose agent just died waits for the next one", () => {
  expect(isOrphan({ agentGoneMs: 1_000, idleMs: hour_ms }, orphan_ms)).toBe(false);
  expect(isOrphan({ agentGoneMs: orphan_ms + 1, idleMs: hour_ms }, orphan_ms)).toBe(true);
});

test("a worker that a next agent asks stays, and one with an agent always", () => {
  expect(isOrphan({ agentGoneMs: hour_ms, idleMs: 5_000 }, orphan_ms)).toBe(false);
  expect(isOrphan({ agentGoneMs: undefined, idleMs: hour_ms }, orphan_ms)).toBe(false);
});
