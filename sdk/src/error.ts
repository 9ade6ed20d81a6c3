import type { ErrorCode, Problem } from "@rbee/contracts";

/** What the queen says about a refused request or a failed job; `type` differs between the two and is left out. */
export type ProblemFields = Omit<Problem, "type">;

/**
 * Everything that goes wrong in a call, except an abort (which throws the signal's reason). Switch on `code`.
 * Reads like the class of the same name in contracts; that one needs zod, which would triple the size of this package.
 */
export class RbeeError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  /** The next step, in words a person can act on. */
  readonly hint: string;
  /** The same request may succeed later, unchanged. */
  readonly retryable: boolean;
  /** How long the queen asked to wait before the next try. */
  readonly retryAfterMs: number | undefined;

  constructor(problem: ProblemFields, options: ErrorOptions & { readonly retryAfterMs?: number | undefined } = {}) {
    super(problem.detail, options);
    this.name = "RbeeError";
    this.code = problem.code;
    this.status = problem.status;
    this.hint = problem.hint;
    this.retryable = problem.retryable;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The connection failed, not the queen: trying again, or resuming, is right. */
export function unreachable(detail: string, cause?: unknown): RbeeError {
  const hint = "Check that the queen runs and that its address is right; `rbee up` starts one on this machine.";
  const problem = {
    title: "No queen answers",
    status: 503,
    code: "unavailable",
    detail,
    hint,
    retryable: true,
  } as const;
  return new RbeeError(problem, { cause });
}

/** The key was mistyped, or is shown shortened where it was copied. */
export function notAKey(): RbeeError {
  const detail = "the key holds a character that no key has";
  const hint = "Give the whole key as it was shown when it was made.";
  return new RbeeError({
    title: "No valid key was sent",
    status: 401,
    code: "unauthorized",
    detail,
    hint,
    retryable: false,
  });
}

/** An idempotency key, or another value of the caller's, that no header can hold. */
export function notAHeader(): RbeeError {
  const title = "The request cannot be sent";
  const detail = "a header's value holds a character that none can hold";
  const hint = "Make the idempotency key of letters, digits and signs of ASCII.";
  return new RbeeError({ title, status: 400, code: "invalid_input", detail, hint, retryable: false });
}

/** What came is not what the protocol says. */
export function notUnderstood(detail: string): RbeeError {
  const hint = "Check that the address is a queen's, and that it and this program have the same version.";
  const title = "The answer was not understood";
  return new RbeeError({ title, status: 502, code: "internal", detail, hint, retryable: false });
}

/** Reads a refusal: the queen's own words if they came, else what the status says (a proxy answered). */
export async function errorOf(response: Response): Promise<RbeeError> {
  const retryAfterMs = parseRetryAfter(response.headers.get("retry-after"));
  const body = await response.text().catch(() => "");
  const problem = parseProblem(body) ?? {
    title: response.statusText,
    status: response.status,
    code: codeOfStatus(response.status),
    detail: `the answer was HTTP ${response.status} without an explanation`,
    hint: "Check that the address is a queen's.",
    retryable: response.status === 429 || response.status >= 500,
  };
  return new RbeeError({ ...problem, status: response.status }, { retryAfterMs });
}

function parseProblem(body: string): ProblemFields | undefined {
  try {
    const problem = JSON.parse(body) as Partial<ProblemFields> | null;
    return typeof problem?.code === "string" && typeof problem.detail === "string"
      ? ({ hint: "", ...problem } as ProblemFields)
      : undefined;
  } catch {
    return undefined;
  }
}

function codeOfStatus(status: number): ErrorCode {
  if (status === 401) return "unauthorized";
  if (status === 403) return "forbidden";
  if (status === 404) return "not_found";
  if (status === 413) return "payload_too_large";
  return status === 429 || status >= 500 ? "unavailable" : "internal";
}

/** Seconds, or an HTTP date. */
function parseRetryAfter(header: string | null): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d{1,9}$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(ms, 0);
}
