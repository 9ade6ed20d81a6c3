import fc from "fast-check";
import { operationNames, operationOf } from "@rbee/contracts";
import { z } from "zod";
import { junk, mutatedValue } from "./arbitraries.ts";

/** As much of JSON Schema as the operations table makes. */
interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
}

/** Values that nearly fit: right shape, boundaries and what lies beside them. */
function near(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return fc.oneof(...choices.map(near));
  switch (schema.type) {
    case "string":
      return text(schema);
    case "integer":
    case "number":
      return number(schema);
    case "boolean":
      return fc.boolean();
    case "array":
      return fc.array(near(schema.items ?? {}), { maxLength: Math.min(8, (schema.maxItems ?? 8) + 1) });
    case "object":
      return fc.record(
        Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, field]) => [name, near(field)])),
        { requiredKeys: [] },
      );
    case undefined:
    default:
      return fc.jsonValue();
  }
}

function text({ pattern, maxLength, default: fallback }: Schema): fc.Arbitrary<unknown> {
  const all = [fc.string({ unit: "binary", maxLength: 40 }), fc.constant(fallback ?? "x")];
  if (pattern !== undefined) all.push(fc.stringMatching(new RegExp(pattern)));
  if (maxLength !== undefined) all.push(fc.constant("x".repeat(maxLength + 1)));
  return fc.oneof(...all);
}

function number({ minimum = -1e9, maximum = 1e9 }: Schema): fc.Arbitrary<unknown> {
  const edges = [minimum, minimum - 1, maximum, maximum + 1, 0, -0, 0.5, 1e308, -1e308];
  return fc.oneof(fc.constantFrom(...edges), fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }));
}

/** Bodies of a submission: of every operation, nearly right or with one thing wrong; none that a real hive would run. */
export const submissions: fc.Arbitrary<unknown> = fc.oneof(
  ...operationNames.map((name) => {
    const schema = z.toJSONSchema(operationOf(name).input, { io: "input" }) as Schema;
    const whole = near(schema).map((input) => ({ ...(input as object), operation: name }));
    return fc.oneof({ weight: 1, arbitrary: whole }, { weight: 2, arbitrary: mutatedValue(whole) });
  }),
  junk,
);
