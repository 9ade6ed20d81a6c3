import { limits, RbeeError } from "@rbee/contracts";

/** The client's name for its request, so that a retry meets its own job. @throws RbeeError invalid_input */
export function idempotencyKey(headers: Headers): string | undefined {
  const key = headers.get("idempotency-key") ?? undefined;
  if (key === "" || (key !== undefined && key.length > limits.idempotency_key_chars_max))
    throw new RbeeError("invalid_input", `an Idempotency-Key has 1 to ${limits.idempotency_key_chars_max} characters`);
  return key;
}
