import { RbeeError } from "./error.ts";

/** Bounds of everything that is tried again. Times in milliseconds. */
export const bounds = {
  /** Tries of one request. With the delays below a queen that is not there is given up after about a second. */
  request_tries_max: 4,
  request_delay_ms: 200,
  /** Connections in a row that brought nothing new, before a stream is given up. */
  resume_tries_max: 12,
  resume_delay_ms: 400,
  delay_ms_max: 5_000,
  /** A queen that asks for a longer wait than this is not waited for. */
  retry_after_ms_max: 30_000,
  /** From sending a request to the head of the answer. A queen answers in milliseconds. */
  answer_wait_ms: 60_000,
  /** Keep-alives a stream may miss before its connection counts as dead. */
  keepalives_missed_max: 2.5,
  /** One event; the largest is a result that repeats the whole text. */
  event_bytes_max: 16_777_216,
} as const;

/**
 * Whether the same request may go better in a moment: as the queen says, or what stands before her by its status. A hive
 * that is off stays off: that is for the caller to judge.
 */
export const isTransient = (error: unknown): error is RbeeError =>
  error instanceof RbeeError &&
  error.retryable &&
  (error.status === 429 || error.status >= 500) &&
  error.code !== "hive_offline" &&
  (error.retryAfterMs ?? 0) <= bounds.retry_after_ms_max;

/** How long to wait after the nth failure: what the queen asked for, within bounds, else full jitter, so that clients do not come back in step. */
export function delayAfter(failures: number, firstMs: number, error: RbeeError): number {
  if (error.retryAfterMs !== undefined) return Math.min(error.retryAfterMs, bounds.retry_after_ms_max);
  return Math.random() * Math.min(firstMs * 2 ** (failures - 1), Math.max(firstMs, bounds.delay_ms_max));
}

/** Waits, unless told to stop: then throws the signal's reason. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
