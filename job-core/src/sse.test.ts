import { JobEvent, problemOf } from "@rbee/contracts";
import { createParser } from "eventsource-parser";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { LogEntry } from "./event-log.ts";
import { parsePosition } from "./position.ts";
import { DONE, encodeEntries, lineOf } from "./sse.ts";

const entry = (seq: number, event: JobEvent): LogEntry => ({ position: { term: 1, seq }, event });
const { type: _uri, ...problem } = problemOf("hive_lost", "gone\nfor good");

test("[SSE-1] an event is one line, whatever text it holds, and comes back as it went in", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary", minLength: 1 })), (texts) => {
      const read: unknown[] = [];
      const parser = createParser({ onEvent: ({ data }) => void read.push(JSON.parse(data)) });
      const entries = texts.map((text, i) => entry(i + 1, { type: "token", text }));
      parser.feed(encodeEntries(entries, "json"));
      expect(read).toEqual(entries.map(({ event }) => event));
    }),
  );
});

test("[SSE-2] every event has its position as id; [DONE] follows the last and has none", () => {
  const text = encodeEntries(
    [entry(1, { type: "token", text: "a" }), entry(2, { type: "result", result: { x: 1 } })],
    "text",
  );
  expect(text).toBe(`id: 1.1\ndata: [TOKEN] "a"\n\nid: 1.2\ndata: {"x":1}\n\n${DONE}`);
});

test("[SSE-3] failure and cancellation are said before [DONE], so neither passes for success", () => {
  expect(encodeEntries([entry(1, { type: "error", ...problem })], "text")).toMatch(
    /^id: 1\.1\ndata: \[ERROR\] hive_lost: gone for good \(.*\)\n\ndata: \[DONE\]\n\n$/,
  );
  expect(encodeEntries([entry(1, { type: "state", state: "cancelled" })], "text")).toBe(
    `id: 1.1\ndata: [CANCELLED]\n\n${DONE}`,
  );
});

test("[SSE-4] no control character of a message reaches a terminal or breaks a line", () => {
  const human = "a\r\nb\u001b[2Jc\u0000d\u2028e";
  expect(lineOf({ type: "narration", actor: "x", action: "y", level: "warn", human })).toBe("[WARN] a b [2Jc d e");
});

test("people read where a job stands", () => {
  expect(lineOf({ type: "state", state: "queued", position: 3, reason: "every slot is busy" })).toBe(
    "[INFO] Waiting in the queue, position 3: every slot is busy",
  );
  expect(lineOf({ type: "state", state: "dispatched", hive_id: "box" })).toBe("[INFO] Given to box");
  expect(lineOf({ type: "progress", done: 50, total: 200, unit: "bytes" })).toBe("[INFO] 25 % (50 of 200 bytes)");
  expect(lineOf({ type: "progress", done: 12.7, unit: "percent" })).toBe("[INFO] 12 %");
});

test("a position that is none is refused with a hint", () => {
  expect(parsePosition("3.17")).toEqual({ term: 3, seq: 17 });
  for (const bad of ["", "1", "a.b", "1.2.3", "-1.2", "1.2 ", "9".repeat(20) + ".1"]) {
    expect(() => parsePosition(bad), bad).toThrow(/is not an event id/);
  }
});
