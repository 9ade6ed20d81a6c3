import { limits } from "@rbee/contracts/limits";
import { createParser } from "eventsource-parser";
import { RbeeError, notUnderstood, unreachable } from "./error.ts";
import type { StreamOptions } from "./job.ts";
import { bounds, delayAfter, isTransient, pause } from "./retry.ts";

/** One event of a job's stream as it came: the reader's place in the log behind it, `term.seq`, and its data. */
export interface Frame {
  readonly position: string;
  readonly data: string;
}

export interface FrameSource extends StreamOptions {
  /** A stream that is already open. */
  readonly opened?: Response | undefined;
  /** Opens the stream behind a position. */
  readonly connect: (after: string | undefined) => Promise<Response>;
}

const DONE = "[DONE]";
/** The position before the first event. */
const ORIGIN = "0.0";
const NO_CONTENT = 204;
const silence_ms_max = limits.sse_keepalive_ms * bounds.keepalives_missed_max;

/**
 * Every event behind a position exactly once, over as many connections as it takes. Only `[DONE]` ends it: a connection
 * that closes without, or falls silent, is a drop. @throws RbeeError when nothing new comes for too many tries, unless it is
 * not to give up
 */
export async function* resumingFrames(source: FrameSource): AsyncGenerator<Frame, void, void> {
  let { opened, after } = source;
  let failures = 0;
  let delayMs: number = bounds.resume_delay_ms;
  for (;;) {
    const openedAt = Date.now();
    let drop: RbeeError;
    try {
      const response = opened ?? (await source.connect(after));
      opened = undefined;
      if (response.status === NO_CONTENT) return;
      for await (const frame of framesOf(response, { signal: source.signal, onRetry: (ms) => (delayMs = ms) })) {
        if (frame.data === DONE) return;
        // Told now and not kept in the log, a hive being away for one: it moves no place.
        if (frame.position === "") {
          yield { position: after ?? ORIGIN, data: frame.data };
          continue;
        }
        // A queen that resumes a little earlier than asked repeats itself; a reader must not.
        if (!isAfter(frame.position, after ?? ORIGIN)) continue;
        after = frame.position;
        failures = 0;
        yield frame;
      }
      drop = unreachable("the queen's stream was cut off");
    } catch (error) {
      source.signal?.throwIfAborted();
      drop = asDrop(error);
    }
    // A job may wait for hours in silence while proxies cut every idle connection: that is no failure.
    failures = Date.now() - openedAt > limits.sse_keepalive_ms ? 1 : failures + 1;
    if (failures > bounds.resume_tries_max && source.giveUp !== false) throw drop;
    await pause(delayAfter(failures, delayMs, drop), source.signal);
  }
}

/** The frames of one connection. Ends when it does. */
export async function* framesOf(
  response: Response,
  { signal, onRetry }: { signal: AbortSignal | undefined; onRetry?: (ms: number) => void },
): AsyncGenerator<Frame, void, void> {
  if (response.body === null) return;
  const ready: Frame[] = [];
  let tooLarge = false;
  const parser = createParser({
    maxBufferSize: bounds.event_bytes_max,
    onEvent: ({ id = "", data }) => ready.push({ position: id, data }),
    onRetry: (ms) => onRetry?.(Math.min(ms, bounds.delay_ms_max)),
    onError: ({ type }) => (tooLarge ||= type === "max-buffer-size-exceeded"),
  });
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await withinSilence(reader.read(), signal);
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      if (tooLarge) throw notUnderstood(`an event of the stream is larger than ${bounds.event_bytes_max} bytes`);
      yield* ready.splice(0);
    }
  } finally {
    // Also when the reader of this generator leaves: the connection must not stay open behind its back.
    reader.cancel().catch(() => undefined);
  }
}

/** The clock runs only while we wait for the queen, not while our own reader takes its time. */
function withinSilence<T>(read: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal?.reason as Error);
    const timer = setTimeout(() => reject(unreachable("the queen's stream fell silent")), silence_ms_max);
    if (signal?.aborted === true) stop();
    signal?.addEventListener("abort", stop, { once: true });
    read.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
    });
  });
}

/** A refusal goes to the caller, and so does what is not a stream; a broken connection is a drop. */
export function asDrop(error: unknown): RbeeError {
  if (isTransient(error)) return error;
  if (error instanceof RbeeError) throw error;
  return unreachable("the queen's stream was cut off", error);
}

function isAfter(a: string, b: string): boolean {
  const [termA, seqA] = numbersOf(a);
  const [termB, seqB] = numbersOf(b);
  return termA > termB || (termA === termB && seqA > seqB);
}

function numbersOf(position: string): [term: number, seq: number] {
  const match = /^(\d+)\.(\d+)$/.exec(position);
  if (match === null) throw notUnderstood(`${JSON.stringify(position.slice(0, 32))} is not a stream position`);
  return [Number(match[1]), Number(match[2])];
}
