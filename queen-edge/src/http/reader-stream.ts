import { sseResponse } from "@rbee/job-http";
import { confirmation, readerCloses } from "../reader-socket.ts";

/**
 * Server-sent events from a reader socket. The Worker holds the stream, since its waiting costs nothing, while the job's
 * object may sleep.
 */
export function readerStream(
  socket: WebSocket,
  options: { readonly signal: AbortSignal; readonly headers?: Record<string, string> },
): Response {
  const pipe = () => new IdentityTransformStream();
  return sseResponse(
    ({ write, end }) => {
      socket.addEventListener("message", ({ data }) => {
        if (typeof data === "string") write(data);
      });
      socket.addEventListener("close", end);
      socket.addEventListener("error", end);
      socket.accept();
      return {
        left: () => socket.close(readerCloses.left.code, readerCloses.left.reason),
        taken: (chars) => socket.send(confirmation(chars)),
      };
    },
    { ...options, pipe },
  );
}
