import type {
  CancelAnswer,
  FleetState,
  JobEvent,
  JobLine,
  JobView,
  OperationName,
  OperationRequest,
  OperationResult,
  Submitted,
} from "@rbee/contracts";
import { notUnderstood, unreachable } from "./error.ts";
import { resumingFrames, type Frame } from "./frames.ts";
import { fleetStates, type HeartbeatOptions } from "./heartbeats.ts";
import { parsed } from "./json.ts";
import type { Operation } from "./operation.ts";
import { Job, isLast, type PositionedEvent, type StreamOptions } from "./job.ts";
import { Transport, type TransportOptions } from "./transport.ts";

export interface SubmitOptions {
  /** Two submissions with one key are one job. Random otherwise, so that the client's own retries are safe. */
  readonly idempotencyKey?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What becomes of a job when the stream that came with its submission is left before its end, or breaks. */
export type OnDisconnect = "detach" | "cancel";

export interface StartOptions extends SubmitOptions {
  /** `detach`, unless given: the job goes on. `cancel` stops the engine, also when this program dies or its line breaks. */
  readonly onDisconnect?: OnDisconnect | undefined;
}

export interface LineOptions extends StartOptions {
  readonly onLine: (line: string) => void;
}

export interface RunOptions extends StartOptions {
  /** The job's id, as soon as it has one. */
  readonly onStart?: ((jobId: string) => void) | undefined;
  readonly onEvent?: ((event: JobEvent, position: string) => void) | undefined;
  /** Aborting only stops reading: the job goes on. With this it is cancelled, and its end is waited for. */
  readonly cancelOnAbort?: boolean | undefined;
}

type Format = "json" | "text";
type Source = StreamOptions & {
  readonly opened?: Response | undefined;
  readonly onDisconnect?: OnDisconnect | undefined;
};
interface Submission {
  readonly operation: OperationName;
  readonly input: object;
}
interface Opened {
  readonly jobId: string;
  /** The job's stream from its first event. Absent when something on the way does not let streams through. */
  readonly opened?: Response;
}

/**
 * Talks to a queen. Needs nothing but web standards: runs in browsers, Node and Workers.
 *
 * ```ts
 * const client = new JobClient({ url: "http://127.0.0.1:7833", key: "rbk_…" });
 * const { text } = await client.run("infer", { model: "bee-tiny", prompt: "Hello" }, {
 *   onEvent: (event) => event.type === "token" && process.stdout.write(event.text),
 * });
 * ```
 *
 * Every method throws an `RbeeError`, or the signal's reason when aborted.
 */
export class JobClient {
  readonly #transport: Transport;

  constructor(options: TransportOptions) {
    this.#transport = new Transport(options);
  }

  /** Runs an operation to its end, over dropped connections. Submitting and reading are one round trip. */
  async run<K extends OperationName>(
    operation: K,
    input: OperationRequest<K>,
    { onStart, onEvent, signal, idempotencyKey, onDisconnect, cancelOnAbort = false }: RunOptions = {},
  ): Promise<OperationResult<K>> {
    signal?.throwIfAborted();
    // A job whose id is not known yet cannot be cancelled, so an abort has to wait for it.
    const starting = { idempotencyKey, onDisconnect, signal: cancelOnAbort ? undefined : signal };
    const job = await this.start(operation, input, starting);
    onStart?.(job.id);
    const reading = new AbortController();
    const abort = (): void => {
      if (cancelOnAbort) job.cancel().catch((error: unknown) => reading.abort(error));
      else reading.abort(signal?.reason);
    };
    if (signal?.aborted === true) abort();
    signal?.addEventListener("abort", abort, { once: true });
    try {
      for await (const { event, position } of job.events({ signal: reading.signal })) onEvent?.(event, position);
      return await job.result({ signal: reading.signal });
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Submits an operation and gives a handle on its job, whose stream is already open: read it or cancel it. */
  async start<K extends OperationName>(
    operation: K,
    input: OperationRequest<K>,
    options: StartOptions = {},
  ): Promise<Job<K>> {
    const { jobId, opened } = await this.#open({ operation, input }, "json", options);
    const { onDisconnect } = options;
    let unread = opened;
    return new Job<K>(jobId, {
      cancel: () => this.cancel(jobId),
      stream: (options) => {
        // The first reader from the start gets the stream that came with the submission.
        const taken = options.after === undefined ? unread : undefined;
        if (taken !== undefined) unread = undefined;
        return this.#events(jobId, { ...options, opened: taken, onDisconnect });
      },
    });
  }

  /** Submits an operation and does not wait. */
  async submit<K extends OperationName>(
    operation: K,
    input: OperationRequest<K>,
    options: SubmitOptions = {},
  ): Promise<Submitted> {
    return answerIn<Submitted>(await this.#post({ operation, input }, options), namesJob);
  }

  /** Submits an operation and calls back with every line of its text stream; the last one is `[DONE]`. Returns the job's id. */
  async submitAndStream(op: Operation, to: ((line: string) => void) | LineOptions): Promise<string> {
    const { onLine, ...options }: LineOptions = typeof to === "function" ? { onLine: to } : to;
    const { operation, ...input } = op;
    const { jobId, opened } = await this.#open({ operation, input }, "text", options);
    const { signal, onDisconnect } = options;
    for await (const { data } of this.#frames(jobId, "text", { opened, signal, onDisconnect })) onLine(data);
    onLine("[DONE]");
    return jobId;
  }

  /** A handle on a job that somebody submitted. */
  open<K extends OperationName>(jobId: string): Job<K> {
    return new Job<K>(jobId, {
      cancel: () => this.cancel(jobId),
      stream: (options) => this.#events(jobId, options),
    });
  }

  /** Hives, workers, the queue and the newest jobs: as they are now, and again whenever that changes. */
  heartbeats(options: HeartbeatOptions = {}): AsyncGenerator<FleetState, void, void> {
    const { signal } = options;
    const headers = { accept: "text/event-stream" };
    return fleetStates(() => this.#transport.sendOnce("v1/heartbeats/stream", { signal, headers }), options);
  }

  /** Every event of a job once and in order, from the start or behind `after`, until the job ends. */
  stream(jobId: string, options: StreamOptions = {}): AsyncGenerator<PositionedEvent, void, void> {
    return this.#events(jobId, options);
  }

  /** What a job is now. */
  async get(jobId: string): Promise<JobView> {
    return answerIn<JobView>(await this.#transport.send(pathOf(jobId)), namesJob);
  }

  /** The newest jobs first. */
  async list({ limit }: { readonly limit?: number | undefined } = {}): Promise<readonly JobLine[]> {
    const response = await this.#transport.send(limit === undefined ? "v1/jobs" : `v1/jobs?limit=${limit}`);
    return (await answerIn<{ jobs: JobLine[] }>(response, ({ jobs }) => Array.isArray(jobs))).jobs;
  }

  /** The names of all models that can be asked, also for a key that may not see the fleet. */
  async modelNames(): Promise<readonly string[]> {
    const response = await this.#transport.send("v1/models");
    const { data } = await answerIn<{ data: { id: string }[] }>(response, ({ data }) => Array.isArray(data));
    return data.map(({ id }) => id);
  }

  /** Submits once more what a job was asked for, whoever asked. Not for every key: its own, or an operator's. */
  async retry(jobId: string, { idempotencyKey = randomKey(), signal }: SubmitOptions = {}): Promise<Submitted> {
    const headers = { "idempotency-key": idempotencyKey };
    return answerIn<Submitted>(
      await this.#transport.send(`${pathOf(jobId)}/retry`, { method: "POST", headers, signal }),
      namesJob,
    );
  }

  /** Stops a job wherever it is: waiting, or on a GPU. Cancelling twice is the same as once. */
  async cancel(jobId: string): Promise<CancelAnswer> {
    return answerIn<CancelAnswer>(await this.#transport.send(pathOf(jobId), { method: "DELETE" }), namesJob);
  }

  async *#events(jobId: string, source: Source): AsyncGenerator<PositionedEvent, void, void> {
    for await (const { position, data } of this.#frames(jobId, "json", source)) {
      const event = parsed<JobEvent>(data, "an event of the stream");
      yield { position, event };
      if (isLast(event)) return;
    }
  }

  #frames(jobId: string, format: Format, source: Source): AsyncGenerator<Frame> {
    const { signal, onDisconnect } = source;
    const connect = (after: string | undefined): Promise<Response> => {
      const behind = after === undefined ? "" : `&after=${encodeURIComponent(after)}`;
      return this.#transport.sendOnce(`${pathOf(jobId)}/stream?${streamQuery(format, onDisconnect)}${behind}`, {
        signal,
        headers: { accept: "text/event-stream" },
      });
    };
    return resumingFrames({ ...source, connect });
  }

  /** Submits and takes the stream in the same answer. */
  async #open(submission: Submission, format: Format, options: StartOptions): Promise<Opened> {
    const response = await this.#post(submission, options, format);
    if (!isEventStream(response)) return { jobId: (await answerIn<Submitted>(response, namesJob)).job_id };
    const jobId = response.headers.get("x-rbee-job-id");
    if (jobId !== null) return { jobId, opened: response };
    await response.body?.cancel();
    throw notUnderstood("the queen's answer does not name the job: is the header x-rbee-job-id stripped on the way?");
  }

  #post(submission: Submission, options: StartOptions, format?: Format): Promise<Response> {
    const { operation, input } = submission;
    const { signal, onDisconnect, idempotencyKey = randomKey() } = options;
    return this.#transport.send(format === undefined ? "v1/jobs" : `v1/jobs?${streamQuery(format, onDisconnect)}`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: format === undefined ? "application/json" : "text/event-stream",
        "idempotency-key": idempotencyKey,
      },
      body: JSON.stringify({ ...input, operation }),
      signal,
    });
  }
}

const pathOf = (jobId: string): string => `v1/jobs/${encodeURIComponent(jobId)}`;

const streamQuery = (format: Format, onDisconnect: OnDisconnect | undefined): string =>
  `format=${format}${onDisconnect === undefined ? "" : `&on_disconnect=${onDisconnect}`}`;

const isEventStream = (response: Response): boolean =>
  response.headers.get("content-type")?.startsWith("text/event-stream") ?? false;

const namesJob = ({ job_id }: { readonly job_id?: unknown }): boolean => typeof job_id === "string";

/** What an answer holds. Also a page that any address has is a 200. @throws RbeeError */
async function answerIn<T>(response: Response, fits: (body: Partial<T>) => boolean): Promise<T> {
  const text = await response.text().catch((error: unknown) => {
    throw error instanceof TypeError ? unreachable("the answer was cut off", error) : error;
  });
  const body = parsed<Partial<T> | null>(text, "the answer");
  if (body === null || !fits(body)) throw notUnderstood("the answer is not a queen's");
  return body as T;
}

/** 128 bits. Not `randomUUID`, which browsers hide on pages that came over plain http. */
const randomKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
