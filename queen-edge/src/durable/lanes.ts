import { closes, problemFrom, type LaneDown } from "@rbee/contracts";
import type { Phase } from "@rbee/job-core";

/** What a socket is said to have closed with when it broke. */
export const ABNORMAL = 1006;

/** What a lane's socket remembers while the object is asleep. */
interface Attachment {
  readonly lane: number;
  /** When a frame last came; pings are counted by the runtime and need no wake. */
  readonly heard_at: number;
}

type Close = (typeof closes)[keyof typeof closes];

/** The hive's sockets of one job: at most one counts, the newest of the current term. They survive hibernation. */
export class Lanes {
  readonly #ctx: DurableObjectState;

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
  }

  /** @param url `?term=`, already vouched for by the Worker */
  accept(url: URL, phase: Phase): Response {
    const term = Number(url.searchParams.get("term"));
    if (phase.state !== "placed" || phase.term !== term) return new Response(null, { status: 410 });
    const heard_at = this.heardAt() ?? 0;
    for (const older of this.#ctx.getWebSockets("lane")) this.close(older, closes.superseded);
    const { 0: client, 1: server } = new WebSocketPair();
    this.#ctx.acceptWebSocket(server, ["lane"]);
    server.serializeAttachment({ lane: term, heard_at } satisfies Attachment);
    return new Response(null, { status: 101, webSocket: client });
  }

  open(): WebSocket | undefined {
    return this.#ctx.getWebSockets("lane").find((ws) => ws.readyState === WebSocket.OPEN);
  }

  termOf(ws: WebSocket): number | undefined {
    return attachmentOf(ws)?.lane;
  }

  heard(ws: WebSocket, lane: number, now: number): void {
    ws.serializeAttachment({ lane, heard_at: now } satisfies Attachment);
  }

  /** Newest sign of life of the open lane: a frame, or a ping that the runtime answered. */
  heardAt(): number | undefined {
    const ws = this.open();
    if (ws === undefined) return undefined;
    return Math.max(attachmentOf(ws)?.heard_at ?? 0, this.#ctx.getWebSocketAutoResponseTimestamp(ws)?.getTime() ?? 0);
  }

  say(frames: readonly LaneDown[]): void {
    if (frames.length > 0) this.open()?.send(JSON.stringify(frames.length === 1 ? frames[0] : frames));
  }

  closeOpen(close: Close): void {
    const ws = this.open();
    if (ws !== undefined) this.close(ws, close);
  }

  /** Closes a socket whose frame could not be taken. @returns false: the frame was not to blame */
  refuse(ws: WebSocket, error: unknown): boolean {
    const { code } = problemFrom(error);
    if (code === "internal") return false;
    this.close(ws, code === "payload_too_large" ? closes.too_large : closes.bad_frame);
    return true;
  }

  close(ws: WebSocket, { code, reason }: Close): void {
    try {
      ws.close(code, reason);
    } catch {
      // Closed already.
    }
  }
}

/** Of a lane's socket; a reader's says something else. */
const attachmentOf = (ws: WebSocket): Partial<Attachment> | null => ws.deserializeAttachment() as Attachment | null;
