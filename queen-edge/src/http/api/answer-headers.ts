import type { Problem } from "@rbee/contracts";

/** Long enough for a slot to become free, short enough for a person who waits. */
const RETRY_AFTER_S = "2";

/** Clients of these APIs try every conflict and every 5xx again; whether that could help is known here. */
export function retryHeaders({ status, retryable }: Problem): Record<string, string> {
  const again: Record<string, string> = status === 409 || status >= 429 ? { "x-should-retry": String(retryable) } : {};
  return retryable && status >= 429 ? { ...again, "retry-after": RETRY_AFTER_S } : again;
}

/** A name for one request, to be told when something about it was wrong. */
export const requestId = (): string => `req_${crypto.randomUUID().replaceAll("-", "")}`;
