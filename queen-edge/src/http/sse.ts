import { limits } from "@rbee/contracts";
import { confirmation, readerCloses } from "../reader-socket.ts";

const encoder = new TextEncoder();
const KEEP_ALIVE = encoder.encode(": keep-alive\n\n");

/**
 * Server-sent events from a reader socket. The Worker holds the stream, since its waiting costs nothing, while the job's
 * object may sleep; keep-alives and the client's leaving are the Worker's affair too.
 *
 * What the client has taken is confirmed to the object, which sends no more than a window ahead of that: however slow a
 * client is, little is held for it and nothing is kept from it. [READ-6]
 */
export function sseResponse(
  socket: WebSocket,
  options: { signal: AbortSignal; headers?: Record<string, string> },
): Response {
  const { readable, writable } = new IdentityTransformStream();
  const stream = new ReaderStream(socket, writable.getWriter());
  options.signal.addEventListener("abort", () => stream.left());
  if (options.signal.aborted) stream.left();
  return new Response(readable, {
    headers: {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
      ...options.headers,
    },
  });
}

/** One client's stream, from the object's socket to the response's body. */
class ReaderStream {
  readonly #socket: WebSocket;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #beat: ReturnType<typeof setInterval>;
  #over = false;
  /** The object has said all there is. */
  #complete = false;
  /** Writes that the client has not taken yet, and when it last took one. */
  #untaken = 0;
  #takenAt = Date.now();
  /** Characters the client has taken and the object was not told of. */
  #taken = 0;

  constructor(socket: WebSocket, writer: WritableStreamDefaultWriter<Uint8Array>) {
    this.#socket = socket;
    this.#writer = writer;
    this.#beat = setInterval(() => this.#onBeat(), limits.sse_keepalive_ms);
    socket.addEventListener("message", ({ data }) => {
      if (typeof data === "string") this.#write(encoder.encode(data), data.length);
    });
    socket.addEventListener("close", () => this.#finish());
    socket.addEventListener("error", () => this.#finish());
    socket.accept();
    this.#write(encoder.encode(`retry: ${limits.sse_retry_ms}\n\n`), 0);
  }

  /** The client is gone, or as good as. */
  left(): void {
    if (this.#over) return;
    this.#end();
    this.#socket.close(readerCloses.left.code, readerCloses.left.reason);
  }

  #write(bytes: Uint8Array, chars: number): void {
    this.#untaken += 1;
    this.#writer.write(bytes).then(
      () => this.#onTaken(chars),
      () => this.left(),
    );
  }

  #onTaken(chars: number): void {
    this.#untaken -= 1;
    this.#takenAt = Date.now();
    this.#taken += chars;
    // Each confirmation wakes the object, so they are few.
    if (this.#over || this.#complete || this.#taken < limits.reader_confirm_chars) return;
    this.#socket.send(confirmation(this.#taken));
    this.#taken = 0;
  }

  #onBeat(): void {
    if (this.#untaken === 0) return this.#write(KEEP_ALIVE, 0);
    if (Date.now() - this.#takenAt < limits.reader_stall_ms) return;
    void this.#writer.abort("the reader takes nothing").catch(() => undefined);
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
