import { limits, RbeeError } from "@rbee/contracts";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { jsonForm } from "../openai/errors.ts";
import { heldResponse } from "./held-response.ts";
import { Patience } from "./patience.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a failure that its client does not take is not held for ever [API-2]", async () => {
  const { promise: failing, reject } = Promise.withResolvers<void>();
  const caller = { signal: new AbortController().signal, patience: new Patience() };
  const answering = heldResponse({ caller, headers: {}, form: jsonForm }, () => failing);
  await vi.advanceTimersByTimeAsync(limits.api_headers_ms);
  const { body } = await answering;
  reject(new RbeeError("unavailable"));
  await vi.advanceTimersByTimeAsync(limits.reader_stall_ms + limits.api_keepalive_ms * 2);
  await expect(body?.getReader().read()).rejects.toThrow("connection lost");
  expect(vi.getTimerCount()).toBe(0);
});
