import type { JobEvent } from "@rbee/contracts";
import { limits } from "@rbee/contracts";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Patience } from "./patience.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const queued: JobEvent = { type: "state", state: "queued" };
const loading: JobEvent = { type: "progress", done: 5, unit: "percent" };
const ready: JobEvent = { type: "narration", actor: "hive", action: "model_ready", level: "info", human: "" };

/** When headers go out, in milliseconds since the request, when these events come at these times. */
async function dueAfter(events: readonly (readonly [at: number, event: JobEvent])[]): Promise<number> {
  const patience = new Patience();
  patience.begin();
  const began = Date.now();
  let due: number | undefined;
  void patience.due.then(() => (due = Date.now() - began));
  for (const [at, event] of events) {
    await vi.advanceTimersByTimeAsync(began + at - Date.now());
    patience.hear(event);
  }
  await vi.advanceTimersByTimeAsync(limits.api_headers_wait_ms * 2);
  return due ?? expect.fail("never");
}

test("headers go out soon while an engine works, later while nothing runs yet [API-2]", async () => {
  expect(await dueAfter([])).toBe(limits.api_headers_ms);
  expect(await dueAfter([[0, { type: "token", text: "a" }]])).toBe(limits.api_headers_ms);
  expect(await dueAfter([[10, queued]])).toBe(limits.api_headers_wait_ms);
  expect(
    await dueAfter([
      [10, queued],
      [3_000, loading],
      [4_000, ready],
    ]),
  ).toBe(4_000 + limits.api_headers_ms);
});
