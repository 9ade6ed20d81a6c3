import { once } from "node:events";
import {
  limits,
  operationOf,
  problemFrom,
  problemOf,
  RbeeError,
  type ErrorCode,
  type LaneDown,
  type Outcome,
  type PackedEvent,
} from "@rbee/contracts";
import type { Cancel } from "../clock.ts";
import { Lane, type LinkContext } from "../link/lane.ts";
import type { HiveHandlers } from "./handler.ts";
import type { Journal, JournaledJob } from "./journal.ts";
import { AckAge } from "./ack-age.ts";
import { Outbox } from "./outbox.ts";
import type { Flushed, Pump } from "./pump.ts";
import { resolve, runHandler, type Sink } from "./run-handler.ts";

export interface JobContext extends LinkContext {
  readonly journal: Journal;
  readonly handlers: HiveHandlers;
  readonly pump: Pump;
  /** Puts a frame on the control socket; false when that is not up. */
  say(frame: string): boolean;
  /** Something was journaled that should survive a power cut. */
  sync(): void;
  /** Aborted when nothing new is to begin. */
  readonly draining: AbortSignal;
  /** The job is out of the way, delivered or dropped. */
  gone(job: Job): void;
}

/** One term of one job on this hive: its handler, its outbox and its lane, from `op` to `end_ack`. */
export class Job implements Flushed, Sink {
  readonly job_id: string;
  readonly term: number;
  readonly #context: JobContext;
  readonly #outbox: Outbox;
  readonly #ackAge: AckAge;
  readonly #lane: Lane;
  readonly #abort = new AbortController();
  #cancelled = false;
  #grace: Cancel | undefined;
  #tokenSeen = false;

  constructor(journaled: JournaledJob, context: JobContext) {
    this.job_id = journaled.op.job_id;
    this.term = journaled.op.term;
    this.#context = context;
    this.#outbox = new Outbox(context.journal, journaled);
    this.#ackAge = new AckAge(context.clock, this.#outbox.unacked);
    this.#lane = new Lane(this.#outbox, context, {
      cancel: () => this.cancel(),
      delivered: () => this.#forget(),
      over: (why) => this.#over(why),
      torn: () => this.giveBack("hive_lost", "the hive's journal is behind the queen's log"),
      acked: () => {
        this.#ackAge.acked(this.#outbox.unacked);
        context.pump.later(this);
      },
    });
    context.pump.join(this);
  }

  /** Starts the handler; its first words go out on whatever is there first, control socket or lane. [AGENT-1] */
  start(): void {
    this.#lane.openAfterPrelude((frame) => this.#context.say(frame));
    this.#run(undefined);
  }

  /** Goes on after a restart of the agent: the handler again if it had not ended, or only the delivery. [AGENT-4] */
  resume(): void {
    this.#lane.open();
    if (this.#outbox.finished) return;
    if (this.#neverAgain()) this.giveBack("hive_lost", "the agent restarted");
    else this.#run(this.#outbox.tokens);
  }

  /** Not even started; the refusal is journaled and delivered like any end. [AGENT-12] */
  refuse(code: ErrorCode, detail: string): void {
    this.#lane.open();
    this.giveBack(code, detail);
  }

  /** Not started, or not to be finished here: the queen decides what becomes of it. */
  giveBack(code: ErrorCode, detail: string): void {
    this.#finish({ status: "refused", error: problemOf(code, detail) });
    this.#abort.abort(new RbeeError("cancelled"));
  }

  cancel(): void {
    if (this.#cancelled || this.#outbox.finished) return;
    this.#cancelled = true;
    // A handler that does not listen must not hold the job. [AGENT-11]
    this.#grace = this.#context.clock.after(limits.cancel_grace_ms, () => this.#finish({ status: "cancelled" }));
    this.#abort.abort(new RbeeError("cancelled"));
  }

  /** A later term of the job was taken, which replaced this one in the journal. [AGENT-3] */
  replaced(): void {
    this.#forget();
  }

  /** The agent stops: let go of everything, keep the journal. */
  halt(): void {
    this.#context.pump.leave(this);
    this.#grace?.();
    this.#lane.close();
    this.#abort.abort(new RbeeError("cancelled"));
  }

  preludeAnswer(frames: readonly LaneDown[]): void {
    this.#lane.preludeAnswer(frames);
  }

  renew(token: string): void {
    this.#lane.renew(token);
  }

  nudge(): void {
    this.#lane.nudge();
  }

  get finished(): boolean {
    return this.#outbox.finished;
  }

  add(item: PackedEvent): void {
    // Let go to hear that it is to stop, not to say more.
    if (this.#abort.signal.aborted && this.full) return;
    this.#outbox.add(item);
    this.#ackAge.added();
    if (this.#tokenSeen || typeof item !== "string") return this.#context.pump.offer(this);
    this.#tokenSeen = true;
    this.#context.pump.hurry(this);
  }

  /** [AGENT-8] [AGENT-23] */
  get full(): boolean {
    return !this.finished && (this.#outbox.full || this.#ackAge.tooOld);
  }

  async room(): Promise<void> {
    // Told to stop it must hear that, however full it is.
    const { signal } = this.#abort;
    if (!this.full || signal.aborted) return;
    const stopped = once(signal, "abort");
    while (this.full && !signal.aborted)
      await Promise.race([stopped, Promise.all([this.#outbox.room(), this.#ackAge.heard()])]);
  }

  write(): void {
    this.#outbox.write();
  }

  written(): void {
    const ended = this.#outbox.written();
    if (ended) this.#context.sync();
  }

  send(): void {
    this.#lane.send();
  }

  #run(resumed: number | undefined): void {
    const { op } = this.#outbox;
    const { handlers, log, draining } = this.#context;
    let runnable;
    try {
      runnable = resolve(op, handlers);
    } catch (thrown) {
      return this.#finish({ status: "refused", error: problemFrom(thrown) });
    }
    const { job_id, term } = this;
    const { signal } = this.#abort;
    const resume = op.resume?.tokens ?? [];
    const context = { job_id, term, signal, draining, worker_id: op.worker_id, resume, resume_after_tokens: resumed };
    void runHandler(runnable, { context, sink: this, log }).then((outcome) => {
      // What ends because it was told to is cancelled; what was done anyway is done.
      const told = this.#cancelled && outcome.status === "failed";
      this.#finish(told ? { status: "cancelled" } : outcome);
    });
  }

  #neverAgain(): boolean {
    try {
      return operationOf(resolve(this.#outbox.op, this.#context.handlers).name).rerun === "never";
    } catch {
      // Starting it says why not.
      return false;
    }
  }

  #finish(outcome: Outcome): void {
    this.#grace?.();
    if (this.#outbox.finished) return;
    this.#outbox.finish(outcome);
    this.#context.pump.hurry(this);
  }

  #over(why: string): void {
    this.#context.log.info("the queen closed the job", { job_id: this.job_id, term: this.term, why });
    this.#forget();
  }

  #forget(): void {
    this.#outbox.forget();
    this.#context.pump.later(this);
    this.#quit();
  }

  #quit(): void {
    this.#context.pump.leave(this);
    this.#grace?.();
    this.#lane.close();
    this.#abort.abort(new RbeeError("cancelled"));
    this.#context.gone(this);
  }
}
