import { expect, test } from "vitest";
import { supportedSchema } from "./grammar.ts";

test("what the grammar knows passes, anyOf as oneOf", () => {
  const schema = {
    type: "object",
    title: "A bee",
    properties: {
      name: { type: "string", maxLength: 20, description: "its name" },
      legs: { const: 6 },
      role: { enum: ["queen", "drone", "worker"] },
      eats: { type: "array", items: { $ref: "#/$defs/food" }, minItems: 1 },
      born: { anyOf: [{ type: "string", format: "date" }, { type: "null" }] },
    },
    required: ["name"],
    additionalProperties: false,
    $defs: { food: { type: ["string", "null"] } },
  };
  expect(supportedSchema(schema)).toEqual({
    ...schema,
    properties: { ...schema.properties, born: { oneOf: [{ type: "string", format: "date" }, { type: "null" }] } },
  });
});

test("bounds that can be kept are kept, and those that say nothing are left out", () => {
  const safe = { minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER };
  expect(supportedSchema({ type: "integer", ...safe })).toEqual({ type: "integer" });
  expect(supportedSchema({ type: "integer", minimum: 1, maximum: 3 })).toEqual({ enum: [1, 2, 3] });
});

test.each([
  [{ type: "string", pattern: "a+" }, "`pattern`"],
  [{ type: "object", properties: { age: { type: "integer", minimum: 3 } } }, "#/properties/age uses `minimum`"],
  [{ type: "object", properties: { a: { not: { type: "null" } } } }, "has no type"],
  [{ allOf: [{ type: "string" }] }, "has no type"],
  [{ type: "thing" }, "has no type"],
  [{}, "has no type"],
  [{ type: "string", format: "email" }, "`format`"],
  [{ $ref: "#/$defs/nothing" }, "`$ref`"],
  [{ const: { a: 1 } }, "`const`"],
  [{ type: "array", items: [{ type: "string" }] }, "must be a schema object"],
  [{ type: "array", maxItems: 1e9 }, "`maxItems`"],
  [{ type: "object", properties: {}, required: ["name"] }, "requires"],
  [{ oneOf: "x" }, "`oneOf`"],
  [{ type: "object", properties: { a: null } }, "#/properties/a must be"],
  [{ const: "x".repeat(70_000) }, "is longer"],
])("%j is refused with a reason", (schema, reason) => {
  expect(() => supportedSchema(schema)).toThrow(expect.objectContaining({ code: "invalid_input" }) as Error);
  expect(() => supportedSchema(schema)).toThrow(reason);
});
