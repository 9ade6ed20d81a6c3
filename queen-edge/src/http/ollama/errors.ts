import type { Problem } from "@rbee/contracts";
import { retryHeaders } from "../api/answer-headers.ts";
import { toldProblem, type Form } from "../api/held-response.ts";
import { BadRequest } from "../openai/errors.ts";

const refuse = (problem: Problem): Response =>
  Response.json({ error: problem.detail }, { status: problem.status, headers: retryHeaders(problem) });

export function errorAnswer(error: unknown): Response {
  if (error instanceof BadRequest) return Response.json({ error: error.message }, { status: 400 });
  return refuse(toldProblem(error));
}

const fail = ({ detail }: Problem) => `${JSON.stringify({ error: detail })}\n`;

export const jsonForm: Form = {
  contentType: "application/json; charset=utf-8",
  keepAlive: " ",
  refuse,
  fail: (problem) => ({ text: fail(problem), broken: true }),
};

/** Lines of JSON; white space in front of a line is part of no value. */
export const linesForm: Form = {
  contentType: "application/x-ndjson",
  keepAlive: " ",
  refuse,
  fail: (problem) => ({ text: fail(problem), broken: false }),
};
