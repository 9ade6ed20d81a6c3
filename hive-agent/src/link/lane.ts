import { closes, LaneDown, limits, mayReconnect, parseFrame, PING, PONG, type LaneUp } from "@rbee/contracts";
import { z } from "zod";
import type { Cancel, Clock } from "../clock.ts";
import type { Outbox } from "../jobs/outbox.ts";
import type { Log } from "../log.ts";
import { bundles } from "./bundle.ts";
import { KeptLine, type Verdict } from "./kept-line.ts";
import { socketUrl, type Closed, type Dial } from "./line.ts";
import { Prelude } from "./prelude.ts";

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

/** An older dial of this hive may come to the queen late and take the place of the line that counts: that dials anew. */
const isFinal = (code: number): boolean => code !== closes.superseded.code && !mayReconnect(code);

const AnyJson = z.unknown();
const FLUSH = JSON.stringify({ t: "flush" } satisfies LaneUp);

/** The data line of one term of one job. Sends what the outbox has, as fast as the queen takes it. */
export class Lane {
  readonly #outbox: Outbox;
  readonly #context: LinkContext;
  readonly #events: LaneEvents;
  readonly #line: KeptLine;
  #token: string;
  #prelude: Prelude | undefined;
  /**
   * Monotonic: when the newest message was sent that the queen has answered. Not when the answer was read: after a pause
   * of this process that may be long after.
   */
  #answeredAt = 0;
  /** When the line was dialled, and hello and the pings that are not answered yet were sent. */
  #dialledAt = 0;
  #helloAt = 0;
  #pings: number[] = [];
  #sentAt = 0;
  /** Whether the hello of this line was answered: from then on `ready` means a gap. */
  #confirmed = false;
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
      reconnect_ms: [limits.lane_reconnect_min_ms, limits.lane_reconnect_max_ms],
      request: () => {
        this.#dialledAt = context.clock.now();
        return {
          url: socketUrl(context.queen_url, `/v1/lanes/${job_id}?term=${term}`),
          headers: { authorization: `Bearer ${this.#token}` },
        };
      },
      opened: () => this.#hello(),
      message: (text) => this.#message(text),
      lost: (closed) => this.#lost(closed),
    });
  }

  open(): void {
    this.#prelude?.end();
    this.#line.start();
  }

  /** The job begins: its first words may still find a shorter way than a line of its own. */
  openAfterPrelude(say: (frame: string) => boolean): void {
    const { clock } = this.#context;
    this.#prelude = new Prelude(this.#outbox, { clock, say }, { ...this.#events, dial: () => this.open() });
  }

  preludeAnswer(frames: readonly LaneDown[]): void {
    this.#prelude?.answer(frames);
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
    this.#prelude?.end();
    this.#quiet();
    this.#line.close(closes.done);
  }

  /** Sends what may go. [AGENT-9] */
  send(): void {
    if (this.#prelude?.send() === true) return;
    if (this.#fenced()) return this.#line.drop("the queen was silent too long");
    this.#sendAfter([]);
  }

  /**
   * Hello and all there is go out together: what the queen has already she drops. [AGENT-9] That she let the line in is
   * her word that the term is still this hive's, as of when it was dialled. [AGENT-10]
   */
  #hello(): void {
    this.#outbox.begin();
    this.#answered(this.#dialledAt);
    if (this.#fenced()) return this.#line.drop("the line was let in too long ago");
    this.#confirmed = false;
    this.#helloAt = this.#context.clock.now();
    this.#sendAfter([this.#helloFrame()]);
    this.#pingLater();
  }

  /** Sends these frames and behind them all that the window lets through, in as few messages as they fit in. */
  #sendAfter(frames: string[]): void {
    for (let frame = this.#outbox.next(); frame !== undefined; frame = this.#outbox.next()) frames.push(frame);
    if (frames.length > 0) {
      this.#sentAt = this.#context.clock.now();
      if (this.#asked === "position") this.#watched();
      this.#asked = "nothing";
    }
    if (this.#outbox.stuck && this.#asked === "nothing") {
      this.#asked = "flush";
      frames.push(FLUSH);
    }
    for (const message of bundles(frames)) this.#line.send(message);
    this.#watch();
  }

  #message(text: string): void {
    if (text === PONG) return this.#answered(this.#pings.shift());
    for (const frame of this.#parse(text)) {
      // A frame before it in the list may have ended the line, or the job.
      if (this.#outbox.isReady) this.#take(frame);
    }
  }

  #take(frame: LaneDown): void {
    switch (frame.t) {
      case "ready": {
        this.#line.settled();
        this.#answered(this.#helloAt);
        const whole = this.#confirmed ? this.#outbox.ready(frame.acked) : this.#outbox.confirm(frame.acked);
        this.#confirmed = true;
        if (whole) this.#events.acked();
        else this.#events.torn();
        return this.send();
      }
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

  /** A newer queen may say more than this agent understands; what it does understand counts. */
  #parse(text: string): LaneDown[] {
    const { log } = this.#context;
    try {
      const message = parseFrame(AnyJson, text);
      return (Array.isArray(message) ? message : [message]).flatMap((item: unknown) => {
        const frame = LaneDown.safeParse(item);
        if (!frame.success) log.warn("a lane frame was not understood", { error: frame.error.message });
        return frame.success ? [frame.data] : [];
      });
    } catch (error) {
      log.warn("a lane message was not understood", { error: (error as Error).message });
      return [];
    }
  }

  #lost(closed: Closed): Verdict {
    this.#quiet();
    this.#outbox.unready();
    const final = closed.status === undefined ? isFinal(closed.code) : FINAL_STATUS.has(closed.status);
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
   * acknowledgement she has lost something, as an object does that is moved, and is asked where to go on; a line on
   * which not even that is answered is of no use. One timer, not one per frame. While hello is not answered she has been asked already. [AGENT-17]
   */
  #watch(): void {
    if (this.#idle !== undefined || !this.#confirmed || !this.#outbox.waiting) return;
    const { clock } = this.#context;
    const asked = this.#asked === "position";
    const wait = asked ? limits.connect_wait_ms : limits.commit_idle_ms;
    this.#idle = clock.after(this.#sentAt + wait - clock.now(), () => {
      this.#idle = undefined;
      if (!this.#outbox.waiting) return;
      if (clock.now() - this.#sentAt < wait) return this.#watch();
      if (asked) return this.#line.drop("the queen does not say where to go on");
      this.#ask(this.#asked === "nothing" && !this.#outbox.endSent ? "flush" : "position");
      this.#sentAt = clock.now();
      this.#watch();
    });
  }

  /** She has answered: what is sent now is waited for anew. */
  #watched(): void {
    this.#idle?.();
    this.#idle = undefined;
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
