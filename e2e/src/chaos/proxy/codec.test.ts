import fc from "fast-check";
import { expect, test } from "vitest";
import { encode, FrameParser, type Frame } from "./codec.ts";

test("any frame comes out as it went in, however its bytes are chopped up", () => {
  const frame = fc.record({
    fin: fc.boolean(),
    rsv: fc.constant(0),
    opcode: fc.constantFrom(0, 1, 2, 8, 9, 10),
    masked: fc.boolean(),
    payload: fc.uint8Array({ maxLength: 70_000, size: "max" }).map((bytes) => Buffer.from(bytes)),
  });
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 4 }), fc.integer({ min: 1, max: 9_000 }), (frames, size) => {
      const bytes = Buffer.concat(frames.map(encode));
      const parser = new FrameParser();
      const out: Frame[] = [];
      for (let at = 0; at < bytes.length; at += size) out.push(...parser.feed(bytes.subarray(at, at + size)));
      expect(out).toEqual(frames);
    }),
    { numRuns: 50 },
  );
});
