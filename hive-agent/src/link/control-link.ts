import {
  closes,
  ControlDown,
  LINK_SUBPROTOCOL,
  LINK_VERSION,
  limits,
  mayReconnect,
  parseFrame,
  PING,
  PONG,
  RbeeError,
  type ControlUp,
  type Inventory,
  type Op,
  type PreludeAnswer,
} from "@rbee/contracts";
import type { Cancel } from "../clock.ts";
import { ClockOffset } from "./clock-offset.ts";
import { KeptLine, type Verdict } from "./kept-line.ts";
import type { LinkContext } from "./lane.ts";
import { socketUrl, type Closed } from "./line.ts";

export interface ControlContext extends LinkContext {
  /** Signs one connect request. */
  headers(time: number): Record<string, string>;
  /** New at every start of the agent. */
  readonly instance_id: string;
  inventory(): Inventory;
  held(): { job_id: string; term: number }[];
}

export interface ControlEvents {
  connected(): void;
  disconnected(reason: string): void;
  /** The queen will not have this agent; dialling again as it is cannot help. */
  refused(error: RbeeError): void;
  op(op: Op): void;
  cancel(job: { job_id: string; term: number }): void;
  preludeAnswer(answer: PreludeAnswer): void;
}

const FINAL_STATUS = new Set([401, 403, 426]);

const TAKEN_OVER =
  "another agent connected with this machine's credential: stop that one, or, if this machine is a copy of it, remove credential.json here and join with a new token";

/** What a final refusal means to whoever runs the agent. */
function refusalOf({ status, code, reason }: Closed): RbeeError {
  if (status === 401 || code === closes.bad_credential.code) return new RbeeError("unauthorized", reason);
  if (status === 403 || code === closes.revoked.code) return new RbeeError("forbidden", reason);
  if (status === 426 || code === closes.version.code) return new RbeeError("unsupported", reason);
  if (code === closes.superseded.code) return new RbeeError("unavailable", TAKEN_OVER);
  return new RbeeError("unavailable", reason);
}

/** The hive's one control connection: says what the hive has, hears what it should do. */
export class ControlLink {
  readonly #context: ControlContext;
  readonly #events: ControlEvents;
  readonly #line: KeptLine;
  readonly #clock = new ClockOffset();
  #connected = false;
  #draining = false;
  /** JSON of the inventory that the queen knows. */
  #told = "";
  #settling: Cancel | undefined;
  #ping: Cancel | undefined;
  /** Pings that are out, oldest first: when they went, and who wants to know. */
  #pings: { sentAt: number; answer?: (rtt_ms: number | undefined) => void }[] = [];

  constructor(context: ControlContext, events: ControlEvents) {
    this.#context = context;
    this.#events = events;
    this.#line = new KeptLine({
      dial: context.dial,
      clock: context.clock,
      reconnect_ms: [limits.reconnect_min_ms, limits.reconnect_max_ms],
      request: () => ({
        url: socketUrl(context.queen_url, "/v1/hives/connect"),
        headers: context.headers(this.#clock.toQueen(context.clock.wall())),
        protocol: LINK_SUBPROTOCOL,
      }),
      opened: () => this.#hello(),
      message: (text) => this.#message(text),
      lost: (closed) => this.#lost(closed),
    });
  }

  start(): void {
    this.#line.start();
  }

  get connected(): boolean {
    return this.#connected;
  }

  close(): void {
    this.#quiet();
    this.#line.close(closes.shutdown);
  }

  /** @returns whether there is a connection to say it on */
  say(frame: string): boolean {
    if (this.#connected) this.#line.send(frame);
    return this.#connected;
  }

  /** Asks for nothing new; said again after a reconnect. */
  drain(): void {
    this.#draining = true;
    if (this.#connected) this.#say({ t: "drain" });
  }

  /** Something of the inventory may have changed; several changes are told as one. */
  inventoryChanged(): void {
    this.#settling ??= this.#context.clock.after(limits.inventory_settle_ms, () => this.tellInventory());
  }

  /** Tells it now, if it changed. */
  tellInventory(): void {
    this.#settling?.();
    this.#settling = undefined;
    if (!this.#connected) return;
    const inventory = this.#context.inventory();
    const text = JSON.stringify(inventory);
    if (text === this.#told) return;
    this.#told = text;
    this.#say({ t: "inventory", inventory });
  }

  /** Milliseconds to the queen and back, now; `undefined` when she does not answer. */
  async rtt(): Promise<number | undefined> {
    if (!this.#connected) return undefined;
    return new Promise((resolve) => {
      const cancel = this.#context.clock.after(limits.link_pong_ms, () => resolve(undefined));
      this.#sendPing((rtt_ms) => {
        cancel();
        resolve(rtt_ms);
      });
    });
  }

  #hello(): void {
    const { instance_id } = this.#context;
    const inventory = this.#context.inventory();
    this.#told = JSON.stringify(inventory);
    this.#say({ t: "hello", version: LINK_VERSION, instance_id, inventory, jobs: this.#context.held() });
  }

  #message(text: string): void {
    if (text === PONG) return this.#pong();
    const frame = this.#parse(text);
    switch (frame?.t) {
      case undefined:
        return;
      case "welcome":
        return this.#welcome();
      case "op":
        return this.#events.op(frame);
      case "cancel":
        return this.#events.cancel(frame);
      case "prelude_answer":
        return this.#events.preludeAnswer(frame);
    }
  }

  /** A newer queen may say more than this agent understands. */
  #parse(text: string): ControlDown | undefined {
    try {
      return parseFrame(ControlDown, text);
    } catch (error) {
      this.#context.log.warn("a control frame was not understood", { error: (error as Error).message });
      return undefined;
    }
  }

  #welcome(): void {
    this.#line.settled();
    this.#connected = true;
    if (this.#draining) this.#say({ t: "drain" });
    // What changed between hello and welcome.
    this.inventoryChanged();
    this.#pingLater();
    this.#events.connected();
  }

  #lost(closed: Closed): Verdict {
    const was = this.#connected;
    this.#quiet();
    if (was) this.#events.disconnected(closed.reason);
    const { status, queen_time } = closed;
    if (status === 401 && queen_time !== undefined && this.#clock.correct(this.#context.clock.wall(), queen_time)) {
      this.#context.log.warn("this machine's clock is off; using the queen's");
      return "now";
    }
    const final = status === undefined ? !mayReconnect(closed.code) : FINAL_STATUS.has(status);
    if (!final) {
      if (!was) this.#context.log.warn("the queen cannot be reached; trying again", { reason: closed.reason });
      return "again";
    }
    this.#events.refused(refusalOf(closed));
    return "never";
  }

  #pingLater(): void {
    this.#sendPing();
    this.#ping = this.#context.clock.after(limits.control_ping_ms, () => this.#pingLater());
  }

  #sendPing(answer?: (rtt_ms: number | undefined) => void): void {
    this.#pings.push({ sentAt: this.#context.clock.now(), ...(answer === undefined ? {} : { answer }) });
    this.#line.send(PING);
  }

  #pong(): void {
    const ping = this.#pings.shift();
    if (ping !== undefined) ping.answer?.(this.#context.clock.now() - ping.sentAt);
  }

  #quiet(): void {
    this.#connected = false;
    this.#ping?.();
    this.#settling?.();
    this.#ping = this.#settling = undefined;
    for (const { answer } of this.#pings.splice(0)) answer?.(undefined);
  }

  #say(frame: ControlUp): void {
    this.#line.send(JSON.stringify(frame));
  }
}
