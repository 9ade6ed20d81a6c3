import { expect, test } from "vitest";
import { looseSchema } from "./loose-schema.ts";

test("what the grammar knows is kept, what it does not is left open", () => {
  const schema = {
    type: "object",
    properties: {
      city: { type: "string", pattern: "^[A-Z]", description: "a city" },
      days: { type: "integer", minimum: 1 },
      unit: { enum: ["c", "f"] },
      where: { $ref: "#/definitions/place" },
      tags: { type: ["array", "null"], items: { type: "string", format: "email" } },
      any: {},
    },
    required: ["city"],
    definitions: { place: { type: "object", properties: { lat: { type: "number" } } } },
  };
  expect(looseSchema(schema)).toEqual({
    type: "object",
    properties: {
      city: { type: "string" },
      days: { type: "integer" },
      unit: { enum: ["c", "f"] },
      where: { type: "object", properties: { lat: { type: "number" } }, additionalProperties: false },
      tags: { oneOf: [{ type: "array", items: { type: "string" } }, { type: "null" }] },
      any: {},
    },
    additionalProperties: false,
  });
});

test.each([undefined, {}, { type: "string" }, [1], { type: "object" }])("arguments of %j are an object", (schema) => {
  expect(looseSchema(schema)).toEqual({ type: "object", additionalProperties: true });
});

test("one that refers to itself, over and over, ends", () => {
  const node = { type: "object", properties: { left: { $ref: "#" }, right: { $ref: "#" } } };
  expect(JSON.stringify(looseSchema(node)).length).toBeLessThan(200_000);
});
