import { limits, type LaneDown, type LaneUp, type Prelude as PreludeFrame } from "@rbee/contracts";
import type { Cancel, Clock } from "../clock.ts";
import type { Outbox } from "../jobs/outbox.ts";

export interface PreludeEvents {
  /** The lane is needed after all. */
  dial(): void;
  delivered(): void;
  cancel(): void;
  acked(): void;
}

/**
 * The first words of a fresh job, on the control socket while its lane is not dialled: a short job is over with them and
 * never needs one. Said once; whatever becomes of it, the lane says everything that is not acknowledged again. [AGENT-22]
 */
export class Prelude {
  readonly #outbox: Outbox;
  readonly #events: PreludeEvents;
  readonly #clock: Clock;
  readonly #say: (frame: string) => boolean;
  #state: "waiting" | "said" | "over" = "waiting";
  #timer: Cancel;

  /** @param say puts a frame on the control socket; false when there is none */
  constructor(outbox: Outbox, context: { clock: Clock; say: (frame: string) => boolean }, events: PreludeEvents) {
    this.#outbox = outbox;
    this.#events = events;
    this.#clock = context.clock;
    this.#say = context.say;
    this.#timer = this.#dialAfter(limits.prelude_wait_ms);
  }

  /** Something may go. @returns whether it is this prelude's affair, and not yet the lane's */
  send(): boolean {
    if (this.#state !== "waiting") return this.#state === "said";
    this.#outbox.begin();
    const frames: string[] = [];
    for (let bytes = 0; frames.length < limits.bundle_frames_max - 1 && bytes < limits.commit_bytes;) {
      const frame = this.#outbox.next();
      if (frame === undefined) break;
      frames.push(frame);
      bytes += frame.length;
    }
    const { endSent } = this.#outbox;
    this.#outbox.unready();
    if (frames.length === 0) return true;
    const { job_id, term } = this.#outbox.op;
    const hello = JSON.stringify({ t: "lane_hello", last: this.#outbox.last } satisfies LaneUp);
    const head = JSON.stringify({ t: "prelude", job_id, term } satisfies Omit<PreludeFrame, "frames">);
    const said = this.#say(`${head.slice(0, -1)},"frames":[${[hello, ...frames].join(",")}]}`);
    this.#timer();
    this.#state = "said";
    if (said && endSent) this.#timer = this.#dialAfter(limits.prelude_answer_ms);
    else this.#dial();
    return true;
  }

  /** What the queen says to it. Nothing: the term is not this hive's, which the lane is told with all it takes. */
  answer(frames: readonly LaneDown[]): void {
    if (frames.length === 0) return this.#dial();
    for (const frame of frames) {
      if (frame.t === "end_ack") return this.#events.delivered();
      if (frame.t === "cancel") this.#events.cancel();
      else {
        this.#outbox.ack(frame.acked);
        this.#events.acked();
      }
    }
  }

  /** The lane is dialled, or not wanted any more. */
  end(): void {
    this.#timer();
    this.#state = "over";
  }

  #dial(): void {
    if (this.#state === "over") return;
    this.end();
    this.#events.dial();
  }

  #dialAfter(ms: number): Cancel {
    return this.#clock.after(ms, () => this.#dial());
  }
}
