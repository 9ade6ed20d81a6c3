import { limits, operationOf, RbeeError, type Submission } from "@rbee/contracts";

export const SESSION_HEADER = "x-session-affinity";

/** The session that a client names in a header, as if it were in the body; what the body says goes first. @throws RbeeError invalid_input */
export function withSession(submission: Submission, headers: Headers): Submission {
  const session = headers.get(SESSION_HEADER);
  const { operation, input } = submission;
  if (session === null || input["session"] !== undefined) return submission;
  if (!Object.hasOwn(operationOf(operation).input.shape, "session")) return submission;
  if (session === "" || session.length > limits.session_chars_max)
    throw new RbeeError("invalid_input", `${SESSION_HEADER}: 1 to ${limits.session_chars_max} characters`);
  return { operation, input: { ...input, session } };
}
