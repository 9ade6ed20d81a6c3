import { z } from "zod";
import { accessErrors } from "./access-errors.ts";
import type { ErrorRow } from "./error-row.ts";
import { modelErrors } from "./model-errors.ts";

/** Every error the system can tell anyone about. Codes are stable: programs switch on them. */
export const errors = {
  ...accessErrors,
  ...modelErrors,
  invalid_json: {
    status: 400,
    exit: 2,
    retryable: false,
    title: "The body is not valid JSON",
    help: "Send UTF-8 JSON with content-type application/json.",
  },
  invalid_input: {
    status: 400,
    exit: 2,
    retryable: false,
    title: "The input does not fit the operation",
    help: "`GET /openapi.json`, or --help of a command, tells what every field takes.",
  },
  unknown_operation: {
    status: 400,
    exit: 2,
    retryable: false,
    title: "There is no such operation",
    help: "See `detail` for the operations there are.",
  },
  invalid_position: {
    status: 400,
    exit: 2,
    retryable: false,
    title: "The stream position is not valid",
    help: "Send the id of the last event you saw, as `Last-Event-ID` or `?after=`; leave it out to read from the start.",
  },
  context_length_exceeded: {
    status: 400,
    exit: 2,
    retryable: false,
    title: "The prompt does not fit the model's context",
    help: "Shorten the prompt, lower max_tokens, or spawn a worker with a larger context.",
  },
  not_found: {
    status: 404,
    exit: 3,
    retryable: false,
    title: "There is no such thing",
    help: "See `detail`; `GET /` shows the routes.",
  },
  job_not_found: {
    status: 404,
    exit: 3,
    retryable: false,
    title: "There is no such job",
    help: "`rbee jobs list` shows the jobs that are kept; logs are removed a while after their job ended.",
  },
  hive_not_found: {
    status: 404,
    exit: 3,
    retryable: false,
    title: "There is no such hive",
    help: "`rbee hives list` shows the hives there are.",
  },
  worker_not_found: {
    status: 404,
    exit: 3,
    retryable: false,
    title: "There is no such worker",
    help: "`rbee workers list` shows the workers there are.",
  },
  method_not_allowed: {
    status: 405,
    exit: 2,
    retryable: false,
    title: "This address does not take that method",
    help: "See `GET /` for the routes.",
  },
  idempotency_conflict: {
    status: 422,
    exit: 2,
    retryable: false,
    title: "This Idempotency-Key was used with other input",
    help: "Use a new key for a new request.",
  },
  payload_too_large: {
    status: 413,
    exit: 2,
    retryable: false,
    title: "The body is too large",
    help: "Send at most 1 MiB.",
  },
  upgrade_required: {
    status: 426,
    exit: 2,
    retryable: false,
    title: "This address speaks WebSocket",
    help: "Only a hive agent connects here.",
  },
  queue_full: {
    status: 429,
    exit: 5,
    retryable: true,
    title: "Too many of these are open",
    help: "Wait for some to end, then try again.",
  },
  hive_offline: {
    status: 503,
    exit: 5,
    retryable: true,
    title: "The hive is not connected",
    help: "Start its agent; `rbee hives list` shows who is connected.",
  },
  hive_lost: {
    status: 502,
    exit: 6,
    retryable: true,
    title: "The hive went away while the job ran",
    help: "What was streamed so far is kept; submit again to start over.",
  },
  attempts_exhausted: {
    status: 502,
    exit: 6,
    retryable: true,
    title: "Every hive that took the job lost it",
    help: "Look at the hives' logs, then submit again.",
  },
  cancelled: {
    status: 409,
    exit: 130,
    retryable: false,
    title: "The job was cancelled",
    help: "Submit it again if that was a mistake.",
  },
  deadline_exceeded: {
    status: 504,
    exit: 5,
    retryable: true,
    title: "The job took longer than it may",
    help: "Try again, or ask for less.",
  },
  no_such_device: {
    status: 400,
    exit: 2,
    retryable: false,
    title: "The hive has no such device",
    help: "`rbee hives get <hive>` lists its devices.",
  },
  insufficient_memory: {
    status: 409,
    exit: 4,
    retryable: true,
    title: "The model does not fit into free memory",
    help: "Idle models make room by themselves; stop what is busy or pinned, or choose a smaller quantisation or context.",
  },
  worker_busy: {
    status: 409,
    exit: 5,
    retryable: true,
    title: "The worker has no free slot",
    help: "Try again when a job has ended.",
  },
  worker_died: {
    status: 502,
    exit: 6,
    retryable: true,
    title: "The worker process died",
    help: "See `detail` for its last lines; the next request starts a new one.",
  },
  engine_not_found: {
    status: 404,
    exit: 3,
    retryable: false,
    title: "This engine is not installed on the hive",
    help: "See `detail`; `rbee workers catalog` shows what could be installed.",
  },
  engine_in_use: {
    status: 409,
    exit: 4,
    retryable: true,
    title: "Workers use this engine",
    help: "Stop the workers in `detail` first.",
  },
  build_failed: {
    status: 502,
    exit: 6,
    retryable: false,
    title: "The engine could not be built",
    help: "See `detail` for the last lines of the build, or for what is missing on the hive.",
  },
  no_free_port: {
    status: 503,
    exit: 5,
    retryable: true,
    title: "All worker ports are taken",
    help: "Stop a worker, then try again.",
  },
  journal_full: {
    status: 503,
    exit: 5,
    retryable: true,
    title: "The hive cannot keep more unsent output",
    help: "Check the hive's connection and disk.",
  },
  unsupported: { status: 400, exit: 2, retryable: false, title: "This is not supported here", help: "See `detail`." },
  draining: {
    status: 503,
    exit: 5,
    retryable: true,
    title: "The hive is shutting down",
    help: "The job goes to another hive, or waits.",
  },
  unavailable: {
    status: 503,
    exit: 5,
    retryable: true,
    title: "The queen is restarting",
    help: "Try again in a moment.",
  },
  internal: {
    status: 500,
    exit: 6,
    retryable: true,
    title: "Something broke on our side",
    help: "Try again; if it stays, report it with the job id.",
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof errors;
export const errorCodes = Object.keys(errors) as ErrorCode[];

/** RFC 9457 problem details; also the body of an `error` event, so that a failed job and a refused request read alike. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.enum(errorCodes),
  detail: z.string(),
  hint: z.string(),
  retryable: z.boolean(),
  /** Seconds before which the same request is of no use; absent: nobody knows. */
  retry_after_s: z.int().nonnegative().optional(),
});
export type Problem = z.infer<typeof Problem>;

/** The one error that crosses boundaries. `detail` says what was wrong this time; it never holds prompts or keys. */
export class RbeeError extends Error {
  readonly code: ErrorCode;
  readonly retry_after_s: number | undefined;
  constructor(code: ErrorCode, detail?: string, options: ErrorOptions & Pick<Problem, "retry_after_s"> = {}) {
    super(detail ?? errors[code].title, options);
    this.name = "RbeeError";
    this.code = code;
    this.retry_after_s = options.retry_after_s;
  }

  toProblem(): Problem {
    return problemOf(this.code, this.message, this.retry_after_s);
  }

  static fromProblem(problem: Problem): RbeeError {
    return new RbeeError(problem.code, problem.detail, problem);
  }
}

export function problemOf(code: ErrorCode, detail: string = errors[code].title, retry_after_s?: number): Problem {
  const { title, status, help, retryable } = errors[code];
  const wait = retry_after_s === undefined ? {} : { retry_after_s };
  return { type: `urn:rbee:error:${code}`, title, status, code, detail, hint: help, retryable, ...wait };
}

/** Any thrown value as a problem. What is not ours becomes `internal` and keeps its text to itself. */
export function problemFrom(thrown: unknown): Problem {
  return thrown instanceof RbeeError ? thrown.toProblem() : problemOf("internal");
}
