import type { CancelAnswer, JobEvent, OperationName, OperationResult } from "@rbee/contracts";
import { RbeeError, notUnderstood } from "./error.ts";

/** An event and where it stands: give `position` as `after` to read on behind it. */
export interface PositionedEvent {
  readonly position: string;
  readonly event: JobEvent;
}

export interface StreamOptions {
  /** Position of the last event already seen; everything otherwise. */
  readonly after?: string | undefined;
  /** Stops reading. The job goes on. */
  readonly signal?: AbortSignal | undefined;
  /** `false`: a queen that cannot be reached is dialled for as long as somebody reads. Else she is given up after a while. */
  readonly giveUp?: boolean | undefined;
}

/** What a handle asks of its client. */
export interface JobSource {
  readonly stream: (options: StreamOptions) => AsyncGenerator<PositionedEvent, void, void>;
  readonly cancel: () => Promise<CancelAnswer>;
}

/** Whether an event is a job's last one. */
export const isLast = (event: JobEvent): boolean =>
  event.type === "result" || event.type === "error" || (event.type === "state" && event.state === "cancelled");

/** A job that was submitted with `JobClient.start`. */
export class Job<K extends OperationName = OperationName> {
  readonly id: string;
  readonly #source: JobSource;
  #last: JobEvent | undefined;

  constructor(id: string, source: JobSource) {
    this.id = id;
    this.#source = source;
  }

  /** Every event from the first, or behind `after`. May be called more than once. */
  async *events(options: StreamOptions = {}): AsyncGenerator<PositionedEvent, void, void> {
    for await (const positioned of this.#source.stream(options)) {
      if (isLast(positioned.event)) this.#last = positioned.event;
      yield positioned;
    }
  }

  /** Waits for the end. @throws RbeeError what the job failed with, or `cancelled` */
  async result(options: Omit<StreamOptions, "after"> = {}): Promise<OperationResult<K>> {
    if (this.#last === undefined) {
      const events = this.events(options);
      while ((await events.next()).done !== true) continue;
    }
    if (this.#last === undefined) throw notUnderstood("the job's stream ended without a result");
    return outcomeOf(this.#last) as OperationResult<K>;
  }

  /** Stops the job wherever it is. What was streamed stays readable. */
  cancel(): Promise<CancelAnswer> {
    return this.#source.cancel();
  }
}

function outcomeOf(event: JobEvent): unknown {
  if (event.type === "result") return event.result;
  if (event.type === "error") throw new RbeeError(event);
  throw new RbeeError({
    title: "The job was cancelled",
    status: 409,
    code: "cancelled",
    detail: event.type === "state" && event.reason !== undefined ? event.reason : "the job was cancelled",
    hint: "Submit it again if that was a mistake.",
    retryable: false,
  });
}
