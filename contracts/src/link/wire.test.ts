import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { z } from "zod";
import { ControlDown, ControlUp } from "./control.ts";
import { EnrolRequest, Enrolled } from "./enrol.ts";
import { LaneDownMessage, LaneUpMessage } from "./lane.ts";
import { closes, LINK_VERSION, LINK_VERSION_MIN, mayReconnect } from "./protocol.ts";

/** The wire of each version, as it was published. A version's hash never changes; a new wire is a new version. */
const published: Readonly<Record<number, string>> = {
  1: "39eb926e5094949b",
  2: "7bae2669c19914ee",
  3: "2f7ae4c949740ef8",
  4: "f7fd03707731bcf7",
};

test("the wire changes only together with LINK_VERSION", () => {
  const wire = [ControlUp, ControlDown, LaneUpMessage, LaneDownMessage, EnrolRequest, Enrolled].map((message) =>
    z.toJSONSchema(message, { io: "input" }),
  );
  const hash = createHash("sha256")
    .update(JSON.stringify([wire, closes]))
    .digest("hex")
    .slice(0, 16);
  expect(hash, "the wire changed: raise LINK_VERSION, say why beside it, and publish the new hash here").toBe(
    published[LINK_VERSION],
  );
});

test("a queen still speaks the version before her own", () => {
  expect(LINK_VERSION_MIN).toBeLessThanOrEqual(LINK_VERSION - 1);
});

test("every close code means one thing, and unknown ones are a broken line", () => {
  const codes = Object.values(closes).map(({ code }) => code);
  expect(new Set(codes).size).toBe(codes.length);
  expect(mayReconnect(4409)).toBe(false);
  expect(mayReconnect(1006)).toBe(true);
  expect(mayReconnect(4999)).toBe(true);
});
