import { RbeeError } from "@rbee/contracts";
import { problemResponse } from "./problem.ts";

/** A path that is there, and what it takes. */
export interface KnownPath {
  readonly path: RegExp;
  readonly methods: string;
}

export const jobPaths: readonly KnownPath[] = [
  { path: /^\/v1\/jobs\/?$/, methods: "GET, POST" },
  { path: /^\/v1\/jobs\/[^/]+$/, methods: "GET, DELETE" },
  { path: /^\/v1\/jobs\/[^/]+\/stream$/, methods: "GET" },
  { path: /^\/v1\/jobs\/[^/]+\/retry$/, methods: "POST" },
];

/** The answer where no route fits: 405 for a path that is there, else 404. */
export function notFoundResponse(path: string, known: readonly KnownPath[]): Response {
  const methods = known.find((one) => one.path.test(path))?.methods;
  if (methods === undefined)
    return problemResponse(new RbeeError("not_found", `there is no ${path.slice(0, 128)}`).toProblem());
  return problemResponse(new RbeeError("method_not_allowed", `${path.slice(0, 128)} takes ${methods}`).toProblem(), {
    allow: methods,
  });
}
