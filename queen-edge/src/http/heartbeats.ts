import { limits, RbeeError } from "@rbee/contracts";
import { authorize, sseResponse, type Source } from "@rbee/job-http";
import { Hono } from "hono";
import { registryOf } from "../durable/ports.ts";
import type { Env } from "../env.ts";
import { authenticate } from "./auth.ts";

/** The fleet, live: `GET /v1/heartbeats/stream`. */
export const heartbeats = new Hono<{ Bindings: Env }>();

heartbeats.get("/stream", async ({ req, env }) => {
  const principal = await authenticate(req.raw, env);
  authorize(principal, "operator");
  const { colony, key_id } = principal;
  const url = `https://registry/watch?${new URLSearchParams({ colony, key_id }).toString()}`;
  const { webSocket } = await registryOf(env, colony).fetch(new Request(url, { headers: { upgrade: "websocket" } }));
  if (webSocket === null) throw new RbeeError("queue_full", `${limits.watchers_max} watch this fleet already`);
  return heartbeatStream(webSocket, req.raw.signal);
});

/** The Worker keeps the time, since its waiting costs nothing: the registry may sleep. */
function heartbeatStream(socket: WebSocket, signal: AbortSignal): Response {
  const source: Source = ({ write, end }) => {
    let timer: ReturnType<typeof setTimeout> | null = null;
    const readyIn = (ms: number): void => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        socket.send("ready");
        // Said again now and then: a hive whose line went dead without a word is only found by looking.
        readyIn(limits.sse_keepalive_ms);
      }, ms);
    };
    const over = (): void => {
      clearTimeout(timer);
      end();
    };
    socket.addEventListener("message", ({ data }) => {
      clearTimeout(timer);
      write(`data: ${String(data)}\n\n`);
    });
    socket.addEventListener("close", over);
    socket.addEventListener("error", over);
    socket.accept();
    return {
      left: () => {
        clearTimeout(timer);
        socket.close(1000, "the client left");
      },
      taken: () => readyIn(limits.heartbeat_settle_ms),
    };
  };
  return sseResponse(source, { signal, pipe: () => new IdentityTransformStream(), taken_chars: 1 });
}
