import type { CancelAnswer, OperationName, OperationResult } from "@rbee/contracts";
import type { StartOptions } from "./client.ts";
import type { Job, StreamOptions } from "./job.ts";
import type { EventOf } from "./operation.ts";

export interface CallOptions extends StartOptions, Pick<StreamOptions, "giveUp"> {
  /** Aborting cancels the job. */
  readonly signal?: AbortSignal | undefined;
  /** The job is cancelled when it is not over by then. Without it, it may take as long as it takes. */
  readonly timeoutMs?: number | undefined;
  /** `false`: aborting, and the end of the time, only stop reading, and the job goes on. */
  readonly cancelOnAbort?: boolean | undefined;
}

/**
 * An operation that was called. Await it for its result, or iterate over what it says; it is the same job, submitted
 * once and at once. Reading resumes by itself after a dropped connection. Leaving a loop early stops reading, not the job.
 *
 * ```ts
 * for await (const piece of client.infer({ model: "bee-tiny", prompt: "Hello" }).text()) process.stdout.write(piece);
 * ```
 */
export class Call<K extends OperationName> implements PromiseLike<OperationResult<K>>, AsyncIterable<EventOf<K>> {
  readonly #job: Promise<Job<K>>;
  readonly #reading: Omit<StreamOptions, "after">;

  constructor(job: Promise<Job<K>>, { signal, timeoutMs, cancelOnAbort = true, giveUp }: CallOptions = {}) {
    this.#job = job;
    // Whoever reads or awaits is told; a call that nobody looks at must not end the program.
    job.catch(() => undefined);
    const ends = [signal, timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs)];
    const end = AbortSignal.any(ends.filter((end) => end !== undefined));
    this.#reading = { signal: end, giveUp };
    if (cancelOnAbort) onAbort(end, () => void this.cancel().catch(() => undefined));
  }

  /** The job's id, as soon as it has one: with it any other program can read the same job. */
  get id(): Promise<string> {
    return this.#job.then((job) => job.id);
  }

  /** Everything the job says, from its first event to its last. A failure is an event here; the others throw it. */
  async *events(): AsyncGenerator<EventOf<K>, void, void> {
    const job = await this.#started();
    for await (const { event } of job.events(this.#reading)) yield event as EventOf<K>;
  }

  /** The pieces of the answer as they come. @throws RbeeError what the job failed with, or `cancelled` */
  async *text(): AsyncGenerator<string, void, void> {
    const job = await this.#started();
    for await (const { event } of job.events(this.#reading))
      if (event.type === "token" && event.tool_call === undefined) yield event.text;
    await this.result();
  }

  /** Waits for the end. @throws RbeeError what the job failed with, or `cancelled` */
  async result(): Promise<OperationResult<K>> {
    return (await this.#started()).result(this.#reading);
  }

  /** Stops the job wherever it is. What it said stays readable. */
  async cancel(): Promise<CancelAnswer> {
    return (await this.#job).cancel();
  }

  [Symbol.asyncIterator](): AsyncGenerator<EventOf<K>, void, void> {
    return this.events();
  }

  // oxlint-disable-next-line unicorn/no-thenable -- awaiting a call gives its result
  then<A = OperationResult<K>, B = never>(
    onResult?: ((result: OperationResult<K>) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.result().then(onResult, onError);
  }

  /** The job, unless it is aborted first: a queen that does not answer must not hold its caller. */
  #started(): Promise<Job<K>> {
    const { signal } = this.#reading;
    if (signal === undefined) return this.#job;
    return new Promise((resolve, reject) => {
      const stop = (): void => reject(signal.reason as Error);
      if (signal.aborted) return stop();
      signal.addEventListener("abort", stop, { once: true });
      this.#job.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
    });
  }
}

function onAbort(signal: AbortSignal, act: () => void): void {
  if (signal.aborted) act();
  else signal.addEventListener("abort", act, { once: true });
}
