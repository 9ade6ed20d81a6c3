import { limits } from "@rbee/contracts";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bundles } from "./bundle.ts";

const framesOf = (messages: readonly string[]): unknown[] =>
  messages.flatMap((message) => JSON.parse(message) as unknown);

describe("bundles", () => {
  test("[AGENT-9] what fits goes as one message; a single frame goes as it is", () => {
    expect([...bundles([])]).toEqual([]);
    expect([...bundles(['{"t":"flush"}'])]).toEqual(['{"t":"flush"}']);
    expect([...bundles(["1", "2", "3"])]).toEqual(["[1,2,3]"]);
  });

  test("[AGENT-9] every frame once and in order; no message over the limits but for one frame that alone is", () => {
    const size = fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: limits.bundle_bytes_max + 9 }));
    const frame = fc.tuple(size, fc.constantFrom("x", "é")).map(([n, text]) => JSON.stringify(text.repeat(n)));
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 200, size: "max" }), (frames) => {
        const messages = [...bundles(frames)];
        expect(framesOf(messages)).toEqual(frames.map((text) => JSON.parse(text) as unknown));
        for (const message of messages.filter((text) => text.startsWith("["))) {
          expect(Buffer.byteLength(message)).toBeLessThanOrEqual(limits.bundle_bytes_max);
          expect(framesOf([message]).length).toBeLessThanOrEqual(limits.bundle_frames_max);
        }
      }),
      { numRuns: 30 },
    );
  });

  test("[AGENT-9] a frame that is too large for a list does not take its neighbours along", () => {
    const large = JSON.stringify("y".repeat(limits.bundle_bytes_max));
    expect([...bundles(["1", "2", large, "3"])]).toEqual(["[1,2]", large, "3"]);
  });
});
