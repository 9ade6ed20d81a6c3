import { limits } from "@rbee/contracts";

const encoder = new TextEncoder();
const KEEP_ALIVE = encoder.encode(": keep-alive\n\n");

/**
 * Server-sent events from a reader socket. The Worker holds the stream, since its waiting costs nothing, while the job's
 * object may sleep; keep-alives and the client's leaving are the Worker's affair too.
 */
export function sseResponse(
  socket: WebSocket,
  options: { signal: AbortSignal; headers?: Record<string, string> },
): Response {
  const { readable, writable } = new IdentityTransformStream();
  const writer = writable.getWriter();
  let unsent = 0;
  let over = false;
  const leave = () => {
    if (over) return;
    over = true;
    clearInterval(beat);
    socket.close(1000, "the reader left");
  };
  const write = (bytes: Uint8Array) => {
    unsent += bytes.byteLength;
    // A client this far behind is cut off; it goes on from the log with its last id.
    if (unsent > limits.reader_buffer_bytes_max) return void writer.abort("the reader is too slow").then(leave, leave);
    writer.write(bytes).then(() => (unsent -= bytes.byteLength), leave);
  };
  const beat = setInterval(() => write(KEEP_ALIVE), limits.sse_keepalive_ms);
  socket.addEventListener("message", ({ data }) =>
    write(typeof data === "string" ? encoder.encode(data) : new Uint8Array(data)),
  );
  const finish = () => {
    over = true;
    clearInterval(beat);
    writer.close().catch(() => undefined);
  };
  socket.addEventListener("close", finish);
  socket.addEventListener("error", finish);
  options.signal.addEventListener("abort", leave);
  if (options.signal.aborted) leave();
  socket.accept();
  write(encoder.encode(`retry: ${limits.sse_retry_ms}\n\n`));
  return new Response(readable, {
    headers: {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
      ...options.headers,
    },
  });
}
