import type { IncomingMessage } from "node:http";
import { Problem, queenTimeHeader } from "@rbee/contracts";
import type { Closed } from "./line.ts";

/** A refusal is a problem document; more than this is none of ours. */
const BODY_CHARS_MAX = 8_192;

/** Reads why an upgrade was refused. Never throws: half an answer is an answer too. */
export async function readRefusal(response: IncomingMessage): Promise<Omit<Closed, "code">> {
  let body = "";
  try {
    response.setEncoding("utf8");
    for await (const text of response) {
      body += text as string;
      if (body.length > BODY_CHARS_MAX) break;
    }
  } catch {
    // The line broke while the answer came.
  }
  const time = Number(response.headers[queenTimeHeader]);
  const status = response.statusCode ?? 0;
  return {
    status,
    reason: detailOf(body) ?? `the queen answered ${status}`,
    ...(Number.isFinite(time) && time > 0 ? { queen_time: time } : {}),
  };
}

function detailOf(body: string): string | undefined {
  try {
    const problem = Problem.partial().safeParse(JSON.parse(body));
    return problem.data?.detail ?? problem.data?.title;
  } catch {
    return undefined;
  }
}
