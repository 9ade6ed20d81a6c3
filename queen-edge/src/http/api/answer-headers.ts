import { limits, type Problem } from "@rbee/contracts";
import { RETRY_AFTER_S } from "@rbee/job-http";

/** Clients of these APIs try every conflict, every 429 and every 5xx again; whether that could help is known here. */
export function retryHeaders({ status, retryable, retry_after_s = RETRY_AFTER_S }: Problem): Record<string, string> {
  const soon = retryable && retry_after_s * 1_000 <= limits.api_retry_after_ms_max;
  const again: Record<string, string> = status === 409 || status >= 429 ? { "x-should-retry": String(soon) } : {};
  return retryable && status >= 429 ? { ...again, "retry-after": String(retry_after_s) } : again;
}

/** A name for one request, to be told when something about it was wrong. */
export const requestId = (): string => `req_${crypto.randomUUID().replaceAll("-", "")}`;
