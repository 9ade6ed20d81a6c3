import { limits } from "@rbee/contracts";

const encoder = new TextEncoder();
const KEEP_ALIVE = ": keep-alive\n\n";

/** Where a source puts its server-sent events. */
export interface Feed {
  readonly write: (events: string) => void;
  /** Nothing more comes. */
  readonly end: () => void;
}

/** What a source hears of the client. */
export interface Reading {
  /** It is gone, or as good as. */
  readonly left: () => void;
  /** It has taken so many more characters; said rarely. A source that waits for this never runs far ahead of it. */
  readonly taken?: (chars: number) => void;
}

/** Begins to feed a stream. */
export type Source = (feed: Feed) => Reading;

interface StreamOptions {
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  readonly headers?: Record<string, string>;
  /** How many characters the client takes before the source is told. */
  readonly taken_chars?: number;
  /** The platform's fastest pipe for bytes. */
  readonly pipe: () => { readonly readable: ReadableStream; readonly writable: WritableStream<Uint8Array> };
}

/** A response of server-sent events: keep-alives, the client's leaving, and a bound on what a slow one may leave untaken. [READ-6] */
export function sseResponse(source: Source, { signal, headers, taken_chars, pipe }: StreamOptions): Response {
  const { readable, writable } = pipe();
  const stream = new EventStream(writable.getWriter(), source, taken_chars);
  signal.addEventListener("abort", () => stream.left());
  if (signal.aborted) stream.left();
  return new Response(readable, {
    headers: {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
      ...headers,
    },
  });
}

/** One client's stream, from a source to the response's body. */
class EventStream {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #beat: ReturnType<typeof setInterval>;
  readonly #reading: Reading;
  readonly #takenStep: number;
  #over = false;
  /** The source has said all there is. */
  #complete = false;
  /** Bytes that the client has not taken yet, and when it last took some. */
  #untaken = 0;
  #takenAt = Date.now();
  /** Characters the client has taken and the source was not told of. */
  #taken = 0;

  constructor(writer: WritableStreamDefaultWriter<Uint8Array>, source: Source, takenStep?: number) {
    this.#writer = writer;
    this.#takenStep = takenStep ?? limits.reader_confirm_chars;
    this.#beat = setInterval(() => this.#onBeat(), limits.sse_keepalive_ms);
    this.#write(`retry: ${limits.sse_retry_ms}\n\n`, 0);
    this.#reading = source({ write: (events) => this.#write(events, events.length), end: () => this.#finish() });
  }

  /** The client is gone, or as good as. */
  left(): void {
    if (this.#over) return;
    this.#end();
    this.#reading.left();
  }

  #write(events: string, chars: number): void {
    const bytes = encoder.encode(events);
    this.#untaken += bytes.byteLength;
    // Only a source that does not wait for its client comes here: the client goes on from the log with its last id.
    if (this.#untaken > limits.reader_buffer_bytes_max) return this.#cut("the reader is too slow");
    this.#writer.write(bytes).then(
      () => this.#onTaken(bytes.byteLength, chars),
      () => this.left(),
    );
  }

  #onTaken(bytes: number, chars: number): void {
    this.#untaken -= bytes;
    this.#takenAt = Date.now();
    this.#taken += chars;
    // Each confirmation may wake an object, so they are few.
    if (this.#over || this.#complete || this.#taken < this.#takenStep) return;
    this.#reading.taken?.(this.#taken);
    this.#taken = 0;
  }

  #onBeat(): void {
    if (this.#untaken === 0) return this.#write(KEEP_ALIVE, 0);
    if (Date.now() - this.#takenAt >= limits.reader_stall_ms) this.#cut("the reader takes nothing");
  }

  #cut(why: string): void {
    void this.#writer.abort(why).catch(() => undefined);
    this.left();
  }

  #finish(): void {
    this.#complete = true;
    this.#writer.close().then(
      () => this.#end(),
      () => this.#end(),
    );
  }

  #end(): void {
    this.#over = true;
    clearInterval(this.#beat);
  }
}
