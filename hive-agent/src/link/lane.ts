import { closes, LaneDown, limits, mayReconnect, parseFrame, PING, PONG, type LaneUp } from "@rbee/contracts";
import type { Cancel, Clock } from "../clock.ts";
import type { Outbox } from "../jobs/outbox.ts";
import type { Log } from "../log.ts";
import { KeptLine, type Verdict } from "./kept-line.ts";
import { socketUrl, type Closed, type Dial } from "./line.ts";

/** What a lane and the control link need to reach the queen. */
export interface LinkContext {
  readonly queen_url: string;
  readonly dial: Dial;
  readonly clock: Clock;
  readonly log: Log;
}

export interface LaneEvents {
  /** Stop the job; its end follows as usual. */
  cancel(): void;
  /** The queen has the end: forget the job. */
  delivered(): void;
  /** The queen wants nothing more of this term. */
  over(why: string): void;
  /** The queen has events that the journal has not. */
  torn(): void;
  /** Something was acknowledged: there is room, and journal rows to drop. */
  acked(): void;
}

/** How long a lane trusts a silent queen: she may have given the job away once her lease runs out. */
const FENCE_MS = limits.lease_ms - 5_000;

/** Answers to an upgrade that will not change: the token, the job or the term is not the queen's. */
const FINAL_STATUS = new Set([401, 403, 404, 410]);

const FLUSH = JSON.stringify({ t: "flush" } satisfies LaneUp);

/** The data line of one term of one job. Sends what the outbox has, as fast as the queen takes it. */
export class Lane {
  readonly #outbox: Outbox;
  readonly #context: LinkContext;
  readonly #events: LaneEvents;
  readonly #line: KeptLine;
  #token: string;
  /**
   * Monotonic: when the newest message was sent that the queen has answered. Not when the answer was read: after a pause
   * of this process that may be long after.
   */
  #answeredAt = 0;
  /** When hello, and the pings that are not answered yet, were sent. */
  #helloAt = 0;
  #pings: number[] = [];
  #sentAt = 0;
  /** What the queen was asked since something was last sent. */
  #asked: "nothing" | "flush" | "position" = "nothing";
  #idle: Cancel | undefined;
  #ping: Cancel | undefined;

  constructor(outbox: Outbox, context: LinkContext, events: LaneEvents) {
    this.#outbox = outbox;
    this.#context = context;
    this.#events = events;
    this.#token = outbox.op.lane_token;
    const { job_id, term } = outbox.op;
    this.#line = new KeptLine({
      dial: context.dial,
      clock: context.clock,
      reconnect_max_ms: limits.lane_reconnect_max_ms,
      request: () => ({
        url: socketUrl(context.queen_url, `/v1/lanes/${job_id}?term=${term}`),
        headers: { authorization: `Bearer ${this.#token}` },
      }),
      opened: () => this.#hello(),
      message: (text) => this.#message(text),
      lost: (closed) => this.#lost(closed),
    });
  }

  open(): void {
    this.#line.start();
  }

  /** The queen sent the operation again: maybe with a fresh token, certainly because she misses the lane. */
  renew(token: string): void {
    this.#token = token;
    this.#line.nudge();
  }

  nudge(): void {
    this.#line.nudge();
  }

  close(): void {
    this.#quiet();
    this.#line.close(closes.done);
  }

  /** Sends what may go. [AGENT-9] */
  send(): void {
    if (this.#fenced()) return this.#line.drop("the queen was silent too long");
    let sent = false;
    for (let frame = this.#outbox.next(); frame !== undefined; frame = this.#outbox.next()) {
      this.#line.send(frame);
      sent = true;
    }
    if (sent) {
      this.#sentAt = this.#context.clock.now();
      this.#asked = "nothing";
      this.#watch();
    }
    if (this.#outbox.stuck && this.#asked === "nothing") this.#ask("flush");
  }

  #hello(): void {
    this.#line.send(this.#helloFrame());
    this.#helloAt = this.#context.clock.now();
    this.#pingLater();
  }

  #message(text: string): void {
    if (text === PONG) return this.#answered(this.#pings.shift());
    const frame = this.#parse(text);
    switch (frame?.t) {
      case undefined:
        return;
      case "ready":
        this.#line.settled();
        this.#answered(this.#helloAt);
        if (this.#outbox.ready(frame.acked)) this.#events.acked();
        else this.#events.torn();
        return this.send();
      case "ack":
        this.#outbox.ack(frame.acked);
        this.#events.acked();
        return this.send();
      case "end_ack":
        return this.#events.delivered();
      case "cancel":
        return this.#events.cancel();
    }
  }

  /** A newer queen may say more than this agent understands. */
  #parse(text: string): LaneDown | undefined {
    try {
      return parseFrame(LaneDown, text);
    } catch (error) {
      this.#context.log.warn("a lane frame was not understood", { error: (error as Error).message });
      return undefined;
    }
  }

  #lost(closed: Closed): Verdict {
    this.#quiet();
    this.#outbox.unready();
    const final = closed.status === undefined ? !mayReconnect(closed.code) : FINAL_STATUS.has(closed.status);
    if (!final) return "again";
    this.#events.over(closed.reason);
    return "never";
  }

  /** A process that was stopped for a while wakes up with tokens in its hands: it must not send on its old right. [AGENT-10] */
  #fenced(): boolean {
    return this.#outbox.isReady && this.#context.clock.now() - this.#answeredAt > FENCE_MS;
  }

  #answered(sentAt: number | undefined): void {
    this.#answeredAt = Math.max(this.#answeredAt, sentAt ?? 0);
  }

  /** Pings renew the lease and wake nothing at the queen. */
  #pingLater(): void {
    this.#ping = this.#context.clock.after(limits.lane_ping_ms, () => {
      if (this.#fenced()) return this.#line.drop("the queen was silent too long");
      this.#pings.push(this.#context.clock.now());
      this.#line.send(PING);
      this.#pingLater();
    });
  }

  /**
   * The queen commits by amount; what remains when nothing follows she commits on request. If that does not bring the
   * acknowledgement she has lost something, as an object does that is moved, and is asked where to go on. One timer,
   * not one per frame. [AGENT-17]
   */
  #watch(): void {
    if (this.#idle !== undefined) return;
    const { clock } = this.#context;
    this.#idle = clock.after(this.#sentAt + limits.commit_idle_ms - clock.now(), () => {
      this.#idle = undefined;
      if (!this.#outbox.waiting) return;
      if (clock.now() - this.#sentAt < limits.commit_idle_ms) return this.#watch();
      if (this.#asked === "position") return;
      this.#ask(this.#asked === "nothing" && !this.#outbox.endSent ? "flush" : "position");
      this.#sentAt = clock.now();
      this.#watch();
    });
  }

  #ask(what: "flush" | "position"): void {
    this.#asked = what;
    this.#line.send(what === "flush" ? FLUSH : this.#helloFrame());
  }

  #helloFrame(): string {
    return JSON.stringify({ t: "lane_hello", last: this.#outbox.last } satisfies LaneUp);
  }

  #quiet(): void {
    this.#idle?.();
    this.#ping?.();
    this.#idle = this.#ping = undefined;
    this.#pings = [];
  }
}
