import { z } from "zod";
import { BadRequest } from "./errors.ts";

/** Fields may be left out or be null; what is not known is ignored. */
export const optional = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);

/** Reads a body by a schema. @throws BadRequest about the first thing that is wrong, in OpenAI's words */
export function parseBody<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw new BadRequest("The body must be a JSON object.");
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw issue === undefined ? new BadRequest("The body is not valid.") : explain(issue, body);
}

/** @throws BadRequest for options of a stream that was not asked for */
export function refuseStreamOptions({ stream, stream_options }: { stream?: unknown; stream_options?: unknown }): void {
  if (stream_options !== undefined && stream !== true)
    throw new BadRequest("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options");
}

function explain(issue: z.core.$ZodIssue, body: unknown): BadRequest {
  const param = nameOf(issue.path);
  const given = issue.path.reduce<unknown>(
    (at, key) => (typeof at === "object" && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined),
    body,
  );
  if (given === undefined || given === null)
    return new BadRequest(`Missing required parameter: '${param}'.`, param, "missing_required_parameter");
  if (issue.code === "invalid_type")
    return new BadRequest(
      `Invalid type for '${param}': expected ${article(issue.expected)}, but got ${typeOf(given)} instead.`,
      param,
      "invalid_type",
    );
  if (issue.code === "too_big")
    return new BadRequest(
      bound(param, kindOf(issue.origin, param), `<= ${String(issue.maximum)}`),
      param,
      sized(kindOf(issue.origin, param), "above_max"),
    );
  if (issue.code === "too_small")
    return new BadRequest(
      bound(param, kindOf(issue.origin, param), `>= ${String(issue.minimum)}`),
      param,
      sized(kindOf(issue.origin, param), "below_min"),
    );
  return new BadRequest(`Invalid value for '${param}': ${issue.message}.`, param, "invalid_value");
}

/** Parameters that count something are whole numbers; the schema's complaint does not tell. */
const kindOf = (origin: string, param: string): string =>
  origin === "number" && /(^n|tokens|logprobs|top_k|dimensions)$/.test(param) ? "int" : origin;

const nameOf = (path: readonly PropertyKey[]): string =>
  path.map((key, at) => (typeof key === "number" ? `[${key}]` : `${at === 0 ? "" : "."}${String(key)}`)).join("");

const typeOf = (value: unknown): string => article(Array.isArray(value) ? "array" : typeof value);

const words: Record<string, string> = {
  int: "an integer",
  number: "a number",
  boolean: "a boolean",
  record: "an object",
};
const article = (type: string): string => words[type] ?? `${/^[aeiou]/.test(type) ? "an" : "a"} ${type}`;

const KINDS: Record<string, string> = { string: "string", array: "array", int: "integer", number: "decimal" };

const bound = (param: string, origin: string, wanted: string): string =>
  origin === "array" || origin === "string"
    ? `Invalid '${param}': its length must be ${wanted}.`
    : `Invalid '${param}': ${KINDS[origin] ?? "value"} out of range. Expected a value ${wanted}.`;

const sized = (origin: string, which: "above_max" | "below_min"): string =>
  `${KINDS[origin] ?? "value"}_${which}_${origin === "array" || origin === "string" ? "length" : "value"}`;
