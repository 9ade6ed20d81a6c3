type Json = Record<string, unknown>;

/** Deeper and larger than any sound schema; one that refers to itself ends here. */
const DEPTH_MAX = 24;
const NODES_MAX = 2_000;
const BASIC = ["string", "number", "integer", "boolean", "null"];

/**
 * A JSON schema in terms of the engine's grammar, as near as that comes: what the grammar cannot enforce it leaves open.
 * For tools, whose callers check the arguments themselves.
 */
export function looseSchema(schema: unknown): Json {
  const root = isObject(schema) ? schema : {};
  const loose = looseValue(root);
  // Arguments are an object, whatever the schema forgot to say.
  return loose["type"] === "object" || "oneOf" in loose ? loose : { type: "object", additionalProperties: true };
}

/** The same for an answer, which may be any value. */
export const looseValue = (schema: Json): Json => convert(schema, { root: schema, nodes: 0 }, 0);

/** Any JSON value. */
const ANYTHING: Json = {};

function convert(node: unknown, whole: { readonly root: Json; nodes: number }, depth: number): Json {
  whole.nodes += 1;
  if (!isObject(node) || depth > DEPTH_MAX || whole.nodes > NODES_MAX) return ANYTHING;
  const inner = (one: unknown) => convert(one, whole, depth + 1);
  const { $ref, anyOf, oneOf, allOf, type } = node;
  if (typeof $ref === "string") return inner(resolve($ref, whole.root));
  if ("const" in node && isLiteral(node["const"])) return { const: node["const"] };
  const { enum: values } = node;
  if (Array.isArray(values) && values.length > 0 && values.every(isLiteral)) return { enum: values };
  const branches = anyOf ?? oneOf;
  if (Array.isArray(branches) && branches.length > 0) return { oneOf: branches.map(inner) };
  if (Array.isArray(allOf) && allOf.length === 1) return inner(allOf[0]);
  const types = Array.isArray(type) ? type : [type];
  if (types.length > 1) return { oneOf: types.map((one) => inner({ ...node, type: one })) };
  if (type === "object" || isObject(node["properties"])) return objectSchema(node, inner);
  if (type === "array") return "items" in node ? { type: "array", items: inner(node["items"]) } : { type: "array" };
  if (type === "string") return { type, ...repetition(node) };
  return BASIC.includes(type as string) ? { type } : ANYTHING;
}

function objectSchema({ properties, additionalProperties: more }: Json, inner: (one: unknown) => Json): Json {
  const entries = Object.entries(isObject(properties) ? properties : {}).map(([key, one]) => [key, inner(one)]);
  // An object that names nothing may hold anything, unless it says that it is empty.
  if (entries.length === 0) return { type: "object", additionalProperties: more !== false };
  return { type: "object", properties: Object.fromEntries(entries) as Json, additionalProperties: false };
}

const LENGTH_MAX = 1_000;
const repetition = ({ minLength, maxLength }: Json): Json => ({
  ...(isLength(minLength) ? { minLength } : {}),
  ...(isLength(maxLength) ? { maxLength } : {}),
});

const isLength = (value: unknown): boolean =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) <= LENGTH_MAX;
const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isLiteral = (value: unknown): boolean => value === null || ["string", "number", "boolean"].includes(typeof value);

function resolve(ref: string, root: Json): unknown {
  const path = ref.startsWith("#/") ? ref.slice(2).split("/") : [];
  return path.reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), root);
}
