import { z } from "zod";
import { RbeeError } from "./errors.ts";
import { limits } from "./limits.ts";
import { operationNames, operationOf, type OperationName } from "./operations.ts";
import { canonical, withCommonSynonyms } from "./synonyms.ts";

/** A submitted operation after the boundary: the name is a row's, the input fits its schema. */
export interface Submission {
  readonly operation: OperationName;
  readonly input: Readonly<Record<string, unknown>>;
}

/** Parses the body of `POST /v1/jobs`: `{"operation": name, …fields}`. @throws RbeeError */
export function parseSubmission(body: unknown): Submission {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new RbeeError("invalid_input", "the body must be an object with `operation` and its fields");
  }
  if (depthOver(body, limits.json_depth_max)) {
    throw new RbeeError("invalid_input", `the body is nested deeper than ${limits.json_depth_max}`);
  }
  const { operation: asked, ...given } = body as Record<string, unknown>;
  const { operation, fields } = canonical(typeof asked === "string" ? asked : "", given);
  if (!Object.hasOwn(operationOfName, operation)) {
    const said = typeof asked === "string" ? JSON.stringify(asked.slice(0, 64)) : "no `operation`";
    throw new RbeeError("unknown_operation", `${said}; there are ${operationNames.join(", ")}`);
  }
  return { operation: operation as OperationName, input: parseInput(operation as OperationName, fields) };
}

/** Checks the fields of one operation and fills in defaults. @throws RbeeError invalid_input */
export function parseInput(name: OperationName, fields: Record<string, unknown>): Record<string, unknown> {
  const { input } = operationOf(name);
  const parsed = input.safeParse(withCommonSynonyms(fields, input.shape));
  if (parsed.success) return parsed.data;
  throw new RbeeError("invalid_input", explain(parsed.error));
}

/** Wrong fields in one line a person can read: `max_tokens: Too big…; foo: unrecognized`. */
export function explain(error: z.ZodError): string {
  const ISSUES_SHOWN = 8;
  const lines = error.issues.map((issue) => {
    const path = issue.path.join(".");
    return path === "" ? issue.message : `${path}: ${issue.message}`;
  });
  // Two rules of one field may say the same.
  return [...new Set(lines)].slice(0, ISSUES_SHOWN).join("; ").slice(0, 1_024);
}

const operationOfName: Record<string, unknown> = Object.fromEntries(operationNames.map((name) => [name, true]));

/** Whether something is nested deeper than so many levels. */
export function depthOver(value: unknown, allowed: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (allowed === 0) return true;
  return Object.values(value).some((inner) => depthOver(inner, allowed - 1));
}
