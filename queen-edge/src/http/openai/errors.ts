import type { Problem } from "@rbee/contracts";
import { retryHeaders } from "../api/answer-headers.ts";
import { toldProblem, type Form } from "../api/held-response.ts";

/** A request that is wrong in a way that OpenAI has words for. */
export class BadRequest extends Error {
  readonly param: string | null;
  readonly code: string | null;
  constructor(message: string, param: string | null = null, code: string | null = null) {
    super(message);
    this.name = "BadRequest";
    this.param = param;
    this.code = code;
  }
}

interface ErrorBody {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
}

/** Problems that OpenAI has codes of its own for. What is not here keeps the code it has everywhere else. */
const known: Partial<Record<Problem["code"], Partial<ErrorBody>>> = {
  invalid_json: { code: null },
  invalid_input: { code: null },
  unauthorized: { code: "invalid_api_key" },
  forbidden: { code: "insufficient_permissions" },
  not_found: { code: null },
  method_not_allowed: { code: "method_not_supported" },
  queue_full: { type: "requests", code: "rate_limit_exceeded" },
  rate_limited: { type: "requests", code: "rate_limit_exceeded" },
};

function bodyOf(problem: Problem): { error: ErrorBody } {
  const { code, status, detail, hint } = problem;
  const type = status >= 500 ? "server_error" : "invalid_request_error";
  const named = code === "unauthorized" || code === "forbidden" ? `${detail} (${hint})` : detail;
  return { error: { message: named, type, param: null, code, ...known[code] } };
}

/** @param headers what every answer has */
export function errorAnswer(error: unknown, headers: Record<string, string> = {}): Response {
  if (error instanceof BadRequest) {
    const { message, param, code } = error;
    return Response.json({ error: { message, type: "invalid_request_error", param, code } }, { status: 400, headers });
  }
  return problemAnswer(toldProblem(error), headers);
}

function problemAnswer(problem: Problem, headers: Record<string, string> = {}): Response {
  return Response.json(bodyOf(problem), { status: problem.status, headers: { ...retryHeaders(problem), ...headers } });
}

export const jsonForm: Form = {
  contentType: "application/json",
  // White space in front of a JSON text is part of no value: any parser skips it.
  keepAlive: " ",
  refuse: (problem) => problemAnswer(problem),
  fail: (problem) => ({ text: JSON.stringify(bodyOf(problem)), broken: true }),
};

export const streamForm: Form = {
  contentType: "text/event-stream; charset=utf-8",
  keepAlive: ": keep-alive\n\n",
  refuse: (problem) => problemAnswer(problem),
  fail: (problem) => ({ text: `data: ${JSON.stringify(bodyOf(problem))}\n\n`, broken: false }),
};

/** Events of a response have types and numbers, also when there is only this one. */
export const eventsForm: Form = {
  ...streamForm,
  fail: (problem) => {
    const error = { ...bodyOf(problem).error, type: "error", sequence_number: 0 };
    return { text: `event: error\ndata: ${JSON.stringify(error)}\n\n`, broken: false };
  },
};
