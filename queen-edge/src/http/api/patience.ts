import { limits, type JobEvent } from "@rbee/contracts";

/**
 * How long an answer's headers may wait for its first words. Only what is written shows whether the client is still there,
 * so while an engine works for it that is soon. While nothing runs yet (a queue, a model that loads) there is time to learn
 * that the request fails, which then has its own status. [API-2]
 */
export class Patience {
  readonly #due = Promise.withResolvers<void>();
  #began = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #waiting = false;

  /** The request was taken, and its answer is waited for. */
  begin(): void {
    this.#began = Date.now();
    this.#arm(limits.api_headers_ms);
  }

  /** Resolves when headers have to go out. */
  get due(): Promise<void> {
    return this.#due.promise;
  }

  /** Nothing runs for this request yet. */
  get waiting(): boolean {
    return this.#waiting;
  }

  hear(event: JobEvent): void {
    if (isWait(event)) {
      if (this.#waiting) return;
      this.#waiting = true;
      return this.#arm(this.#began + limits.api_headers_wait_ms - Date.now());
    }
    if (!this.#waiting) return;
    this.#waiting = false;
    this.#arm(limits.api_headers_ms);
  }

  /** The answer has begun, or will never. */
  over(): void {
    clearTimeout(this.#timer ?? 0);
  }

  #arm(ms: number): void {
    this.over();
    this.#timer = setTimeout(() => this.#due.resolve(), Math.max(0, ms));
  }
}

function isWait(event: JobEvent): boolean {
  if (event.type === "state") return event.state === "queued";
  return event.type === "progress" || (event.type === "narration" && event.action !== "model_ready");
}
