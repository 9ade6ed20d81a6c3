import type { Problem } from "@rbee/contracts";
import { retryHeaders } from "../api/answer-headers.ts";
import { toldProblem, type Form } from "../api/held-response.ts";
import { BadRequest } from "../openai/errors.ts";

/** Anthropic's names of what can be wrong, by status. */
const types: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  503: "overloaded_error",
  504: "timeout_error",
};

const errorBody = (status: number, message: string) => ({
  type: "error",
  error: { type: types[status] ?? (status < 500 ? "invalid_request_error" : "api_error"), message },
});

/** Clients that make room in a conversation do it when they read these words. */
const bodyOf = ({ code, status, detail }: Problem) =>
  errorBody(status, code === "context_length_exceeded" ? `prompt is too long: ${detail}` : detail);

function refuse(problem: Problem): Response {
  return Response.json(bodyOf(problem), { status: problem.status, headers: retryHeaders(problem) });
}

export function errorAnswer(error: unknown): Response {
  if (error instanceof BadRequest) return Response.json(errorBody(400, error.message), { status: 400 });
  return refuse(toldProblem(error));
}

export const jsonForm: Form = {
  contentType: "application/json",
  keepAlive: " ",
  refuse,
  fail: (problem) => ({ text: JSON.stringify(bodyOf(problem)), broken: true }),
};

export const streamForm: Form = {
  contentType: "text/event-stream; charset=utf-8",
  keepAlive: 'event: ping\ndata: {"type": "ping"}\n\n',
  refuse,
  fail: (problem) => ({ text: `event: error\ndata: ${JSON.stringify(bodyOf(problem))}\n\n`, broken: false }),
};
