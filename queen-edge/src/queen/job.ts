import {
  limits,
  operationOf,
  problemOf,
  type JobEvent,
  type LaneUp,
  type Outcome,
  type PackedEvent,
} from "@rbee/contracts";
import {
  cancelling,
  endedByHive,
  endedByQueen,
  EventLog,
  examine,
  fateOf,
  heard,
  isEnded,
  laneBack,
  laneGone,
  newlyQueued,
  place,
  requeue,
  type Ended,
  type Finding,
  type Phase,
  type Placed,
  type Placement,
  type Queued,
  type Sql,
} from "@rbee/job-core";
import { alarmOf, CLOSE_LANE, hangUp, placeBy, type Admitted, type Decision, type Effect } from "./effects.ts";
import { CommitPolicy } from "./commit-policy.ts";
import { continuable, isLoss, mayContinue } from "./continuation.ts";
import { hiveAway, hiveBack } from "./notices.ts";
import { givenBack, type Loss } from "./loss.ts";
import { dispatchedEvents, endingOf, failed, keptUntil, lastEventOf } from "./outcome.ts";
import { JobRecord, type JobSpec } from "./job-record.ts";

/** A job that exists: every method takes what happened, writes what follows, and returns what is to be done. */
export class Job {
  readonly log: EventLog;
  readonly spec: JobSpec;
  readonly #sql: Sql;
  readonly #record: JobRecord;
  readonly #commits = new CommitPolicy();

  private constructor(sql: Sql, log: EventLog, record: JobRecord) {
    this.#sql = sql;
    this.log = log;
    this.#record = record;
    this.spec = record.spec;
    log.begin(record.phase.term);
  }

  /** The job this storage holds, if any. */
  static load(sql: Sql): Job | undefined {
    const record = JobRecord.load(sql);
    return record === undefined ? undefined : new Job(sql, EventLog.open(sql), record);
  }

  /** A new job that was given a place, or has to wait for one. */
  static submit(sql: Sql, spec: JobSpec, given: { decision: Admitted; now: number }): [Job, Effect[]] {
    const { decision, now } = given;
    return sql.transaction(() => {
      if (decision.kind === "waiting") {
        const waiting = Job.#create(sql, spec, newlyQueued(decision.reason));
        return [waiting, waiting.#waiting(decision)];
      }
      const phase = place(newlyQueued(""), decision.placement, now);
      const placed = Job.#create(sql, spec, phase);
      return [placed, placed.#given(phase)];
    });
  }

  /** A new job that the queen has answered already. */
  static answered(sql: Sql, spec: JobSpec, answer: { events: readonly JobEvent[]; outcome: Outcome }): [Job, Effect[]] {
    return sql.transaction(() => {
      const asked = newlyQueued("");
      const job = Job.#create(sql, spec, asked);
      job.log.append(answer.events);
      return [job, job.#finish(endedByQueen(asked, endingOf(answer.outcome, spec.submitted_at)), answer.outcome)];
    });
  }

  static #create(sql: Sql, spec: JobSpec, phase: Phase): Job {
    const record = JobRecord.create(sql, spec, phase);
    return new Job(sql, EventLog.create(sql), record);
  }

  get phase(): Phase {
    return this.#record.phase;
  }

  /** The registry's answer to a job that waits. `undefined`: the job does not wait (any more), the place is free again. */
  decide(term: number, decision: Decision, now: number): Effect[] | undefined {
    const phase = this.phase;
    if (phase.state !== "queued" || phase.term !== term) return undefined;
    return this.#sql.transaction(() => {
      switch (decision.kind) {
        case "refused":
          return this.#endByQueen(phase, failed(decision.problem), now);
        case "waiting":
          return this.#waiting(decision);
        case "placed":
          return this.#assigned(phase, decision.placement, now);
      }
    });
  }

  /**
   * Frames of the current term's lane that came as one message. What one of them makes due is committed once, behind the
   * last; the platform lets nothing out before.
   */
  hear(frames: readonly LaneUp[], now: number): Effect[] {
    const { term } = this.phase;
    const effects: Effect[] = [];
    // Behind an end there is nothing of this term to hear. [LANE-6]
    for (const frame of frames)
      if (this.phase.term === term && !isEnded(this.phase)) effects.push(...this.#hearOne(frame, now));
    if (!this.#commits.take()) return effects;
    if (this.phase.term !== term || isEnded(this.phase)) return effects;
    this.log.commit();
    return [...effects, { do: "say", message: { t: "ack", acked: this.log.acked } }];
  }

  #hearOne(frame: LaneUp, now: number): Effect[] {
    switch (frame.t) {
      case "lane_hello":
        return this.#hello(now);
      case "ev":
        return this.#events(frame.first, frame.items);
      case "flush":
        this.#commits.want();
        return [];
      case "end":
        return this.#end(frame.final, frame.outcome, now);
    }
  }

  /** The hive opened a lane, so it has journaled the job; or it asks where the queen stands. [LANE-1] */
  #hello(now: number): Effect[] {
    const phase = this.phase;
    const effects: Effect[] = [{ do: "say", message: { t: "ready", acked: this.log.acked } }];
    if (phase.state !== "placed") return effects;
    if (phase.lane_gone !== undefined) {
      this.#record.move(laneBack(phase, now));
      if (phase.lane_gone.told) effects.push(hiveBack(phase));
    }
    if (phase.cancel_until !== undefined) effects.push({ do: "say", message: { t: "cancel" } });
    return effects;
  }

  /** Shown at once; acknowledged once durable. A gap is answered with where to go back to. [LANE-2] [LANE-3] */
  #events(first: number, items: readonly PackedEvent[]): Effect[] {
    const offered = this.log.offer(first, items);
    if (offered.kind === "gap") return [{ do: "say", message: { t: "ready", acked: this.log.acked } }];
    const { entries } = offered;
    this.#commits.heard(this.log, entries, { everyToken: mayContinue(this.spec) });
    return entries.length === 0 ? [] : [{ do: "show", entries }];
  }

  /** How the hive's term ended. Counts only when every event before it is here. [LANE-5] */
  #end(final: number, outcome: Outcome, now: number): Effect[] {
    const phase = this.phase;
    if (phase.state !== "placed") return [{ do: "say", message: { t: "end_ack" } }];
    if (this.log.last < final) return [{ do: "say", message: { t: "ready", acked: this.log.acked } }];
    return this.#sql.transaction(() => {
      const done: Effect[] = [
        { do: "say", message: { t: "end_ack" } },
        { do: "close_lane", why: "done" },
      ];
      const lost = outcome.status === "refused" || (outcome.status === "failed" && isLoss(this.spec, outcome.error));
      if (lost) return [...done, ...this.#lost(...givenBack(phase, outcome.error, now))];
      return [...this.#finish(endedByHive(phase, endingOf(outcome, now)), outcome), ...done];
    });
  }

  /** A sign of life that came on no lane. [JOB-3] */
  heard(now: number): Effect[] {
    const phase = this.phase;
    return phase.state === "placed" ? this.#look(heard(phase, now)) : [];
  }

  /** The lane broke, or the object woke without one. [JOB-7] */
  laneGone(now: number): Effect[] {
    const phase = this.phase;
    if (phase.state !== "placed" || phase.lane_gone !== undefined) return [];
    this.log.commit();
    return this.#look(laneGone(phase, now, mayContinue(this.spec) ? limits.failover_ms : limits.lease_ms));
  }

  /** The hive of this term cannot have the job: it was not there to take it, or came back without it. */
  notThere(term: number, reason: string, now: number): Effect[] {
    const phase = this.phase;
    if (phase.state !== "placed" || phase.term !== term) return [];
    return this.#sql.transaction(() => this.#lost(phase, { reason, now }));
  }

  cancel(now: number): Effect[] {
    const phase = this.phase;
    if (isEnded(phase)) return [];
    return this.#sql.transaction(() => {
      if (phase.state === "queued") return this.#endByQueen(phase, { status: "cancelled" }, now);
      return [{ do: "cancel", hive_id: phase.hive_id, term: phase.term }, ...this.#look(cancelling(phase, now))];
    });
  }

  /** @param heardAt when the lane last gave a sign of life; `undefined` without a lane */
  alarm(now: number, heardAt: number | undefined): Effect[] {
    const phase = this.phase;
    if (isEnded(phase)) {
      const until = keptUntil(this.spec, phase);
      return now >= until ? [{ do: "forget" }] : [{ do: "alarm", at: until }];
    }
    // A place was asked for and no answer is written: ask again, the registry knows its own answers.
    if (phase.state === "queued") return phase.position === undefined ? placeBy(now) : [];
    return this.#sql.transaction(() => this.#after(examine(phase, now, heardAt), now));
  }

  #after({ what, phase }: Finding, now: number): Effect[] {
    switch (what) {
      case "cancel_unanswered":
        return this.#endByQueen(phase, { status: "cancelled" }, now);
      case "silent":
        return [hangUp(phase), ...this.#lost(phase, { reason: `${phase.hive_id} was silent too long`, now })];
      case "away":
        return [hiveAway(phase, now), ...this.#look(phase)];
      case "nothing":
        return this.#look(phase);
    }
  }

  /** Writes where a placed job stands, with when to look at it again: a late alarm is known by that. [JOB-8] */
  #look(phase: Placed): Effect[] {
    this.#record.move(phase);
    return [alarmOf(phase)];
  }

  #given(phase: Placed): Effect[] {
    const { hive_id, term } = phase;
    this.log.begin(term);
    return [alarmOf(phase), { do: "deliver", hive_id, term }];
  }

  #waiting({ reason, position, eta_ms }: Extract<Decision, { kind: "waiting" }>): Effect[] {
    const phase = this.phase as Queued;
    if (position === phase.position && reason === phase.reason) return [];
    this.#record.move({ ...phase, reason, position });
    const eta = eta_ms === undefined ? {} : { eta_ms };
    return [this.#write([{ type: "state", state: "queued", position, ...eta, reason }])];
  }

  #assigned(phase: Queued, placement: Placement, now: number): Effect[] {
    const placed = place(phase, placement, now);
    const tokens_kept = phase.model_digest === undefined ? 0 : this.log.tokens().length;
    const shown = this.#write(dispatchedEvents(placed, tokens_kept));
    this.#record.move(placed);
    return [shown, ...this.#given(placed)];
  }

  /** The hive lost its term: run the job again if its row allows that, else end it with a typed error. [JOB-6] */
  #lost(phase: Placed, { reason, now, next = placeBy(now) }: Loss): Effect[] {
    if (phase.cancel_until !== undefined) return this.#endByQueen(phase, { status: "cancelled" }, now);
    this.log.commit();
    const tokens = this.log.tokens();
    const model_digest = continuable(this.spec, phase, tokens);
    const { rerun } = operationOf(this.spec.operation);
    const fate = fateOf(phase, rerun, { shown: tokens.length > 0, continues: model_digest !== undefined });
    if (fate !== "requeue") {
      const error = problemOf(fate, `${reason}; the job was given to a hive ${phase.dispatches} time(s)`);
      return this.#endByQueen(phase, failed(error), now);
    }
    const again = requeue(phase, reason, model_digest);
    this.#record.move(again);
    this.log.begin(again.term);
    return [CLOSE_LANE, this.#write([{ type: "state", state: "queued", reason }]), ...next];
  }

  /** The queen ends it herself; the hive that may still have it is sent away. */
  #endByQueen(phase: Queued | Placed, outcome: Outcome, now: number): Effect[] {
    // What the hive said last was shown: it stays.
    this.log.commit();
    return [...this.#finish(endedByQueen(phase, endingOf(outcome, now)), outcome), CLOSE_LANE];
  }

  /** The one way into an ending: state and last event are written together. [JOB-1] */
  #finish(ended: Ended, outcome: Outcome): Effect[] {
    this.log.begin(ended.term);
    const shown = this.#write([lastEventOf(outcome)]);
    this.#record.move(ended);
    return [shown, { do: "release", ended }, { do: "alarm", at: keptUntil(this.spec, ended) }];
  }

  #write(events: readonly JobEvent[]): Effect {
    const entries = this.log.append(events);
    this.log.commit();
    return { do: "show", entries };
  }
}
