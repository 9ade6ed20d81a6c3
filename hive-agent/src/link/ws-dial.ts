import type { IncomingMessage } from "node:http";
import { limits } from "@rbee/contracts";
import { WebSocket } from "ws";
import type { Cancel, Clock } from "../clock.ts";
import type { Closed, Dial, Line, LineEvents, LineRequest } from "./line.ts";
import { readRefusal } from "./refusal.ts";

/** Lines over real WebSockets. Each looks after its own health: one whose pings are not answered breaks within 25 s. */
export const webSocketDial =
  (clock: Clock): Dial =>
  (request, events) => {
    const socket = open(request);
    if (socket === undefined) return unsendable(clock, events);
    const stopProbe = probe(socket, clock);
    let linger: Cancel | undefined;
    const closedOnce = once(events, () => {
      stopProbe();
      linger?.();
    });
    let problem = "";
    socket.on("open", () => events.opened());
    socket.on("message", (data, isBinary) => {
      // Nothing of this protocol is binary.
      if (!isBinary) events.message((data as Buffer).toString());
    });
    socket.on("error", (error) => (problem = error.message));
    socket.on("close", (code, reason) => closedOnce({ code, reason: reason.toString() || problem }));
    socket.on("unexpected-response", (_request, response: IncomingMessage) => {
      void readRefusal(response).then((refusal) => {
        closedOnce({ code: 1006, ...refusal });
        socket.terminate();
      });
    });
    return {
      send: (text) => {
        if (socket.readyState === WebSocket.OPEN) socket.send(text);
      },
      close({ code, reason }) {
        if (socket.readyState === WebSocket.CONNECTING) return socket.terminate();
        socket.close(code, reason);
        // A peer that is gone never answers the close.
        linger = clock.after(limits.stop_grace_ms, () => socket.terminate());
      },
      terminate: () => socket.terminate(),
    };
  };

/** @returns undefined when the request cannot be sent: a token from outside may hold what no header may */
function open({ url, protocol, headers }: LineRequest): WebSocket | undefined {
  try {
    return new WebSocket(url, protocol === undefined ? [] : [protocol], {
      headers,
      // Small frames gain nothing from it, and it costs memory per socket.
      perMessageDeflate: false,
      maxPayload: limits.frame_bytes_max,
      followRedirects: false,
    });
  } catch {
    return undefined;
  }
}

/** As if the other side had refused it, as it would have. */
function unsendable(clock: Clock, events: LineEvents): Line {
  clock.soon(() => events.closed({ code: 1006, status: 401, reason: "the token is not one that can be sent" }));
  return { send: () => undefined, close: () => undefined, terminate: () => undefined };
}

/** A half-open line looks alive until somebody asks: protocol ping, then a bounded wait for the pong. */
function probe(socket: WebSocket, clock: Clock): Cancel {
  let cancel: Cancel = () => {};
  const wait = (): void => {
    cancel = clock.after(limits.link_ping_ms, () => {
      socket.ping();
      cancel = clock.after(limits.link_pong_ms, () => socket.terminate());
    });
  };
  socket.on("open", wait);
  socket.on("pong", () => {
    cancel();
    if (socket.readyState === WebSocket.OPEN) wait();
  });
  return () => cancel();
}

function once(events: LineEvents, cleanUp: () => void): (closed: Closed) => void {
  let said = false;
  return (closed) => {
    if (said) return;
    said = true;
    cleanUp();
    events.closed(closed);
  };
}
