import { problemFrom, RbeeError } from "@rbee/contracts";
import type { Answer } from "@rbee/job-http";

/** What work gave, or was refused with, to cross to another object as a value. */
export function answered<T>(work: () => T): Answer<T> {
  try {
    return { ok: work() };
  } catch (error) {
    return { problem: problemFrom(error) };
  }
}

/** @throws RbeeError what it was refused with */
export function okOf<T>(answer: Answer<T>): T {
  if ("problem" in answer) throw RbeeError.fromProblem(answer.problem);
  return answer.ok;
}

/** For work whose loss is made good later: somebody shall know of it all the same. */
export const logFailure =
  (event: string) =>
  (error: unknown): undefined => {
    console.error(JSON.stringify({ event, error: error instanceof Error ? error.stack : String(error) }));
  };
