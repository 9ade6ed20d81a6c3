import { DurableObject } from "cloudflare:workers";
import {
  closes,
  ControlUp,
  LINK_SUBPROTOCOL,
  limits,
  parseFrame,
  PING,
  PONG,
  problemFrom,
  type PreludeAnswer,
  type Welcome,
} from "@rbee/contracts";
import type { Env } from "../env.ts";
import { HiveSession } from "../queen/hive-session.ts";
import { durableSql } from "./durable-sql.ts";
import { jobOf, registryOf, type HiveName, type HivePort, type RegistryPort } from "./ports.ts";

/** Kept with the control socket. `session` is 0 until the hive has said hello. */
interface Attachment {
  readonly colony: string;
  readonly hive_id: string;
  /** Greater than that of each socket that was there when this one was dialled. */
  readonly dial: number;
  readonly session: number;
}

/** One hive's control connection: adapts the platform to `HiveSession`. Operations pass through; jobs remember them. */
export class HiveObject extends DurableObject<Env> implements HivePort {
  readonly #session: HiveSession;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#session = new HiveSession(durableSql(ctx.storage));
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG));
  }

  /** The hive dials in; the Worker has checked its credential. */
  override async fetch(request: Request): Promise<Response> {
    const { searchParams } = new URL(request.url);
    const gen = Number(searchParams.get("gen"));
    if (!this.#session.admits(gen)) return new Response(null, { status: 403 });
    if (!this.#session.isNew(searchParams.get("nonce") ?? "", Date.now())) return new Response(null, { status: 409 });
    const dial = 1 + Math.max(0, ...this.ctx.getWebSockets().map((ws) => attachmentOf(ws).dial));
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    const colony = searchParams.get("colony") ?? "";
    const hive_id = searchParams.get("hive_id") ?? "";
    server.serializeAttachment({ colony, hive_id, dial, session: 0 } satisfies Attachment);
    return new Response(null, {
      status: 101,
      webSocket: client,
      headers: { "sec-websocket-protocol": LINK_SUBPROTOCOL },
    });
  }

  override async webSocketMessage(ws: WebSocket, data: string | ArrayBuffer): Promise<void> {
    // What was still on its way when it was closed: a late hello would take over from the connection that counts. [HIVE-1]
    if (ws.readyState !== WebSocket.OPEN) return;
    try {
      await this.#hear(ws, parseFrame(ControlUp, data));
    } catch (error) {
      const { code } = problemFrom(error);
      const close =
        { payload_too_large: closes.too_large, internal: closes.shutdown }[code as string] ?? closes.bad_frame;
      // What the registry did not get it must get again: the hive dials anew, and says everything anew.
      ws.close(close.code, close.reason);
      if (code === "internal") throw error;
    }
  }

  async #hear(ws: WebSocket, frame: ControlUp): Promise<void> {
    const said = attachmentOf(ws);
    const registry = registryOf(this.env, said.colony);
    switch (frame.t) {
      case "hello":
        return this.#welcome(ws, said, frame);
      case "inventory":
        if (said.session > 0) await registry.hiveChanged(said.hive_id, said.session, { inventory: frame.inventory });
        return;
      case "prelude": {
        const { job_id, term } = frame;
        const frames = await jobOf(this.env, said.colony, job_id).prelude(said.hive_id, term, frame.frames);
        // It may have been closed meanwhile; what was said is then said again on the lane.
        if (ws.readyState === WebSocket.OPEN)
          ws.send(JSON.stringify({ t: "prelude_answer", job_id, term, frames } satisfies PreludeAnswer));
        return;
      }
      case "drain":
        if (said.session > 0) await registry.hiveChanged(said.hive_id, said.session, { draining: true });
    }
  }

  /**
   * The newest connection counts: a machine that restarted must not wait for its old socket to be found dead. One that was
   * dialled later and has not said hello yet is none of the old ones, however late this hello came. [HIVE-1]
   */
  async #welcome(ws: WebSocket, said: Attachment, hello: Extract<ControlUp, { t: "hello" }>): Promise<void> {
    const { colony, hive_id, dial } = said;
    // Said again: its jobs are those of then, and the hive has been given others since.
    if (said.session > 0) return;
    const session = this.#session.begin();
    for (const other of this.ctx.getWebSockets()) {
      if (attachmentOf(other).dial < dial) other.close(closes.superseded.code, closes.superseded.reason);
    }
    ws.serializeAttachment({ ...said, session } satisfies Attachment);
    ws.send(JSON.stringify({ t: "welcome", session } satisfies Welcome));
    const { inventory, jobs } = hello;
    await registryOf(this.env, colony).hiveConnected(colony, hive_id, { session, inventory, jobs });
  }

  async deliver(name: HiveName, frame: string): Promise<number | undefined> {
    const ws = this.#live();
    if (ws !== undefined) {
      ws.send(frame);
      return this.#session.number;
    }
    await this.hangUp(name, this.#session.number);
    return undefined;
  }

  /** For whoever could not reach the hive in this session: it is away, as far as the queen knows. */
  async hangUp({ colony, hive_id }: HiveName, session: number): Promise<void> {
    if (session !== this.#session.number) return;
    this.#dialAgain();
    await registryOf(this.env, colony).hiveDisconnected(hive_id, session);
  }

  /** The machine has joined again: what connected with an older credential is not it. */
  async enrolled(gen: number): Promise<void> {
    this.#session.admits(gen);
    for (const ws of this.ctx.getWebSockets()) ws.close(closes.revoked.code, closes.revoked.reason);
  }

  /** What is found silent is hung up on. */
  async presence(): Promise<{ connected: boolean; last_seen: number; session: number }> {
    const ws = this.#live();
    if (ws === undefined) this.#dialAgain();
    return {
      connected: ws !== undefined,
      last_seen: ws === undefined ? 0 : this.#heardAt(ws),
      session: this.#session.number,
    };
  }

  override async webSocketClose(ws: WebSocket): Promise<void> {
    const { colony, hive_id, session } = attachmentOf(ws);
    const registry: RegistryPort = registryOf(this.env, colony);
    if (session > 0 && session === this.#session.number) await registry.hiveDisconnected(hive_id, session);
  }

  override async webSocketError(ws: WebSocket): Promise<void> {
    await this.webSocketClose(ws);
  }

  /** Somebody may be there after all, whom a sleep or a jump of this clock made seem silent: nothing else would tell. */
  #dialAgain(): void {
    this.#counting()?.close(closes.shutdown.code, closes.shutdown.reason);
  }

  /** The socket that counts, if it is open. */
  #counting(): WebSocket | undefined {
    const { number } = this.#session;
    const counts = (ws: WebSocket) => attachmentOf(ws).session === number;
    if (number === 0) return undefined;
    return this.ctx.getWebSockets().find((ws) => ws.readyState === WebSocket.OPEN && counts(ws));
  }

  /** The same, unless it has been silent so long that nobody may be there. */
  #live(): WebSocket | undefined {
    const ws = this.#counting();
    if (ws === undefined) return undefined;
    return Date.now() - this.#heardAt(ws) > limits.control_stale_ms ? undefined : ws;
  }

  /** A socket that has not pinged yet is as young as its object's wake: trusted. */
  #heardAt(ws: WebSocket): number {
    return this.ctx.getWebSocketAutoResponseTimestamp(ws)?.getTime() ?? Date.now();
  }
}

const attachmentOf = (ws: WebSocket): Attachment => ws.deserializeAttachment() as Attachment;
