import { problemFrom, RbeeError, type Problem } from "@rbee/contracts";

/** Long enough for a slot to become free, short enough for a person who waits. */
export const RETRY_AFTER_S = 2;

/** RFC 9457. Every error of the queen's own routes leaves through here. */
export function problemResponse(problem: Problem, headers: Record<string, string> = {}): Response {
  const { retryable, retry_after_s = RETRY_AFTER_S } = problem;
  const wait: Record<string, string> = retryable ? { "retry-after": String(retry_after_s) } : {};
  return Response.json(problem, {
    status: problem.status,
    headers: { "content-type": "application/problem+json", ...wait, ...headers },
  });
}

/** Whatever was thrown; what is not ours is logged by name and told as `internal`. */
export function errorResponse(error: unknown): Response {
  if (error instanceof RbeeError) return problemResponse(error.toProblem());
  if (isRestart(error)) return problemResponse(new RbeeError("unavailable").toProblem());
  console.error(JSON.stringify({ event: "unhandled", error: error instanceof Error ? error.stack : String(error) }));
  return problemResponse(problemFrom(error));
}

/** The platform marks failures of an object that a retry on a new stub would not meet. */
const isRestart = (error: unknown): boolean =>
  typeof error === "object" && error !== null && ("retryable" in error || "durableObjectReset" in error);
