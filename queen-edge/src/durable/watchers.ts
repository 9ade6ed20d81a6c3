import { heartbeatBetween, limits, snapshotOf, type FleetState, type Snapshot } from "@rbee/contracts";
import { keyEnded, keyTag } from "../key-sockets.ts";

/** Kept with a watcher's socket: its client has taken what it was sent, and is shown the next change at once. */
interface Watcher {
  readonly ready: boolean;
}

const TAG = "watcher";

/**
 * Everyone who watches the fleet. A watcher is a socket from a Worker that writes what it gets to the client. It is sent
 * one heartbeat, then nothing until the Worker says that it was taken and a moment has passed: that bounds what is on its
 * way and how often a busy fleet is told of, without a timer here. [BEAT-1]
 */
export class Watchers {
  readonly #ctx: DurableObjectState;
  readonly #state: () => FleetState;
  /** What each was sent last. Only saves repeats: after a wake everything is sent again. */
  readonly #sent = new Map<WebSocket, Snapshot>();

  constructor(ctx: DurableObjectState, state: () => FleetState) {
    this.#ctx = ctx;
    this.#state = state;
  }

  accept(key_id: string): Response {
    if (this.#open().length >= limits.watchers_max) return new Response(null, { status: 429 });
    const { 0: client, 1: server } = new WebSocketPair();
    this.#ctx.acceptWebSocket(server, [TAG, keyTag(key_id)]);
    this.#show([server]);
    return new Response(null, { status: 101, webSocket: client });
  }

  /** The key is worthless: it watches no longer. [KEY-3] */
  dismiss(key_id: string): void {
    for (const ws of this.#ctx.getWebSockets(keyTag(key_id))) ws.close(keyEnded.code, keyEnded.reason);
  }

  /** Its Worker is ready for what comes next. */
  ready(ws: WebSocket): void {
    if (ws.readyState !== WebSocket.OPEN) return;
    ws.serializeAttachment({ ready: true } satisfies Watcher);
    this.#show([ws]);
  }

  /** Something may be different: costs nothing when nobody looks. */
  changed(): void {
    this.#show(this.#open().filter((ws) => (ws.deserializeAttachment() as Watcher).ready));
  }

  closed(ws: WebSocket): void {
    this.#sent.delete(ws);
  }

  #show(watchers: readonly WebSocket[]): void {
    if (watchers.length === 0) return;
    const snapshot = snapshotOf(this.#state());
    for (const ws of watchers) {
      const heartbeat = heartbeatBetween(this.#sent.get(ws), snapshot);
      if (heartbeat === undefined) continue;
      this.#sent.set(ws, snapshot);
      ws.serializeAttachment({ ready: false } satisfies Watcher);
      ws.send(heartbeat);
    }
  }

  #open(): WebSocket[] {
    return this.#ctx.getWebSockets(TAG).filter((ws) => ws.readyState === WebSocket.OPEN);
  }
}
