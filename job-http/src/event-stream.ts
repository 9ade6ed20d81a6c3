import { limits } from "@rbee/contracts";

const encoder = new TextEncoder();
const KEEP_ALIVE = encoder.encode(": keep-alive\n\n");

/** Where a source puts its server-sent events. */
export interface Feed {
  readonly write: (events: string | Uint8Array) => void;
  /** Nothing more comes. */
  readonly end: () => void;
}

/** Begins to feed a stream. @returns what to do when its reader has left */
export type Source = (feed: Feed) => () => void;

interface StreamOptions {
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  readonly headers?: Record<string, string>;
  /** The platform's fastest pipe for bytes. */
  readonly pipe: () => { readonly readable: ReadableStream; readonly writable: WritableStream<Uint8Array> };
}

/** A response of server-sent events: keep-alives, the client's leaving, and a bound on what a slow one may leave unread. */
export function sseResponse(source: Source, { signal, headers, pipe }: StreamOptions): Response {
  const { readable, writable } = pipe();
  const writer = writable.getWriter();
  let unsent = 0;
  let over = false;
  const finish = () => {
    over = true;
    clearInterval(beat);
  };
  const leave = () => {
    if (over) return;
    finish();
    left();
  };
  const write = (events: string | Uint8Array) => {
    const bytes = typeof events === "string" ? encoder.encode(events) : events;
    unsent += bytes.byteLength;
    // A client this far behind is cut off; it goes on from the log with its last id.
    if (unsent > limits.reader_buffer_bytes_max) return void writer.abort("the reader is too slow").then(leave, leave);
    writer.write(bytes).then(() => (unsent -= bytes.byteLength), leave);
  };
  const end = () => {
    finish();
    writer.close().catch(() => undefined);
  };
  const beat = setInterval(() => write(KEEP_ALIVE), limits.sse_keepalive_ms);
  write(encoder.encode(`retry: ${limits.sse_retry_ms}\n\n`));
  const left = source({ write, end });
  signal.addEventListener("abort", leave);
  if (signal.aborted) leave();
  return new Response(readable, {
    headers: {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
      ...headers,
    },
  });
}
