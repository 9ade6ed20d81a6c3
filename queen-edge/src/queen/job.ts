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
  dueAt,
  endedByHive,
  endedByQueen,
  EventLog,
  fateOf,
  heard,
  isEnded,
  laneBack,
  laneGone,
  newlyQueued,
  overdue,
  place,
  requeue,
  type Ended,
  type Phase,
  type Placed,
  type Placement,
  type Queued,
  type Sql,
} from "@rbee/job-core";
import type { Decision, Effect } from "./effects.ts";
import { endingOf, failed, lastEventOf } from "./outcome.ts";
import { JobRecord, type JobSpec } from "./job-record.ts";

/** A job that exists: every method takes what happened, writes what follows, and returns what is to be done. */
export class Job {
  readonly log: EventLog;
  readonly #sql: Sql;
  readonly #record: JobRecord;
  /** Whether something was heard that must be durable before the turn ends. */
  #commitDue = false;
  /** Whether a token is known to be durable; forgotten with the object, which costs one early commit. */
  #tokenKept = false;

  private constructor(sql: Sql, log: EventLog, record: JobRecord) {
    this.#sql = sql;
    this.log = log;
    this.#record = record;
    log.begin(record.phase.term);
  }

  /** The job this storage holds, if any. */
  static load(sql: Sql): Job | undefined {
    const record = JobRecord.load(sql);
    return record === undefined ? undefined : new Job(sql, EventLog.open(sql), record);
  }

  /** A new job that was given a place, or has to wait for one. */
  static submit(sql: Sql, spec: JobSpec, decision: Exclude<Decision, { kind: "refused" }>): [Job, Effect[]] {
    return sql.transaction(() => {
      const waiting = newlyQueued(decision.kind === "waiting" ? decision.reason : "");
      const job = Job.#create(
        sql,
        spec,
        decision.kind === "placed" ? place(waiting, decision.placement, spec.submitted_at) : waiting,
      );
      return [job, decision.kind === "placed" ? job.#given() : job.#waiting(decision)];
    });
  }

  /** A new job that the queen has answered already. */
  static answered(sql: Sql, spec: JobSpec, answer: { events: readonly JobEvent[]; outcome: Outcome }): [Job, Effect[]] {
    return sql.transaction(() => {
      const job = Job.#create(sql, spec, newlyQueued(""));
      job.log.append(answer.events);
      return [
        job,
        job.#finish(endedByQueen(newlyQueued(""), endingOf(answer.outcome, spec.submitted_at)), answer.outcome),
      ];
    });
  }

  static #create(sql: Sql, spec: JobSpec, phase: Phase): Job {
    const record = JobRecord.create(sql, spec, phase);
    return new Job(sql, EventLog.create(sql), record);
  }

  get spec(): JobSpec {
    return this.#record.spec;
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
          return this.#finish(
            endedByQueen(phase, { state: "failed", error: decision.problem, now }),
            failed(decision.problem),
          );
        case "waiting":
          return decision.position === phase.position && decision.reason === phase.reason
            ? []
            : this.#waiting(decision);
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
    if (!this.#commitDue) return effects;
    this.#commitDue = false;
    if (this.phase.term !== term || isEnded(this.phase)) return effects;
    this.log.commit();
    return [...effects, { do: "say", message: { t: "ack", acked: this.log.acked } }];
  }

  #hearOne(frame: LaneUp, now: number): Effect[] {
    switch (frame.t) {
      case "lane_hello":
        return this.#hello();
      case "ev":
        return this.#events(frame.first, frame.items);
      case "flush":
        this.#commitDue = true;
        return [];
      case "end":
        return this.#end(frame.final, frame.outcome, now);
    }
  }

  /** The hive opened a lane, so it has journaled the job; or it asks where the queen stands. [LANE-1] */
  #hello(): Effect[] {
    const phase = this.phase;
    if (phase.state === "placed" && phase.lane_gone === true) this.#record.move(laneBack(phase));
    const ready: Effect = { do: "say", message: { t: "ready", acked: this.log.acked } };
    if (phase.state !== "placed" || phase.cancel_until === undefined) return [ready];
    return [ready, { do: "say", message: { t: "cancel" } }];
  }

  /** Shown at once; acknowledged once durable. A gap is answered with where to go back to. [LANE-2] [LANE-3] */
  #events(first: number, items: readonly PackedEvent[]): Effect[] {
    const offered = this.log.offer(first, items);
    if (offered.kind === "gap") return [{ do: "say", message: { t: "ready", acked: this.log.acked } }];
    // The first token is committed before anyone sees it, so that "was anything shown?" has a durable answer. [LANE-4]
    const { acked, tailEvents, tailBytes } = this.log;
    const tokens = offered.entries.some(({ event }) => event.type === "token");
    const early = acked === 0 || (tokens && !this.#tokenKept);
    this.#commitDue ||= early || tailEvents >= limits.commit_events || tailBytes >= limits.commit_bytes;
    this.#tokenKept ||= tokens;
    return offered.entries.length === 0 ? [] : [{ do: "show", entries: offered.entries }];
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
      if (outcome.status === "refused") return [...done, ...this.#lost(phase, outcome.error.detail, now)];
      return [...this.#finish(endedByHive(phase, endingOf(outcome, now)), outcome), ...done];
    });
  }

  /** The lane broke, or the object woke without one. [JOB-7] */
  laneGone(now: number): Effect[] {
    const phase = this.phase;
    if (phase.state !== "placed" || phase.lane_gone === true) return [];
    const waiting = laneGone(phase, now);
    this.log.commit();
    this.#record.move(waiting);
    return [{ do: "alarm", at: dueAt(waiting) }];
  }

  /** The hive of this term cannot have the job: it was not there to take it, or came back without it. */
  notThere(term: number, reason: string, now: number): Effect[] {
    const phase = this.phase;
    if (phase.state !== "placed" || phase.term !== term) return [];
    return this.#sql.transaction(() => this.#lost(phase, reason, now));
  }

  cancel(now: number): Effect[] {
    const phase = this.phase;
    if (isEnded(phase)) return [];
    return this.#sql.transaction(() => {
      if (phase.state === "queued")
        return this.#finish(endedByQueen(phase, { state: "cancelled", now }), { status: "cancelled" });
      const stopping = cancelling(phase, now);
      this.#record.move(stopping);
      return [
        { do: "cancel", hive_id: phase.hive_id, term: phase.term },
        { do: "alarm", at: dueAt(stopping) },
      ];
    });
  }

  /** @param heardAt when the lane last gave a sign of life; `undefined` without a lane */
  alarm(now: number, heardAt: number | undefined): Effect[] {
    const phase = this.phase;
    if (isEnded(phase)) {
      const until = phase.finished_at + limits.job_retention_ms;
      return now >= until ? [{ do: "forget" }] : [{ do: "alarm", at: until }];
    }
    // A place was asked for and no answer is written: ask again, the registry knows its own answers.
    if (phase.state === "queued")
      return phase.position === undefined ? [{ do: "place" }, { do: "alarm", at: now + limits.take_up_ms }] : [];
    const alive = heardAt === undefined ? phase : heard(phase, heardAt);
    switch (overdue(alive, now)) {
      case undefined:
        return [{ do: "alarm", at: dueAt(alive) }];
      case "cancel":
        return this.#sql.transaction(() => [
          ...this.#finish(endedByQueen(phase, { state: "cancelled", now }), { status: "cancelled" }),
          { do: "close_lane", why: "stale_term" },
        ]);
      case "lease":
        return this.#sql.transaction(() => this.#lost(phase, `${phase.hive_id} was silent too long`, now));
    }
  }

  #given(): Effect[] {
    const phase = this.phase as Placed;
    const { hive_id, term, worker_id } = phase;
    this.log.begin(term);
    return [
      { do: "alarm", at: dueAt(phase) },
      { do: "deliver", hive_id, term, ...(worker_id === undefined ? {} : { worker_id }) },
    ];
  }

  #waiting({ reason, position }: { reason: string; position: number }): Effect[] {
    this.#record.move({ ...(this.phase as Queued), reason, position });
    return [this.#write([{ type: "state", state: "queued", position, reason }])];
  }

  #assigned(phase: Queued, placement: Placement, now: number): Effect[] {
    const shown = this.#write([{ type: "state", state: "dispatched", hive_id: placement.hive_id }]);
    this.#record.move(place(phase, placement, now));
    return [shown, ...this.#given()];
  }

  /** The hive lost its term: run the job again if its row allows that, else end it with a typed error. [JOB-6] */
  #lost(phase: Placed, reason: string, now: number): Effect[] {
    const close: Effect = { do: "close_lane", why: "stale_term" };
    if (phase.cancel_until !== undefined) {
      return [...this.#finish(endedByQueen(phase, { state: "cancelled", now }), { status: "cancelled" }), close];
    }
    this.log.commit();
    const fate = fateOf(phase, operationOf(this.spec.operation).rerun, this.log.hasTokens());
    if (fate !== "requeue") {
      const error = problemOf(fate, `${reason}; the job was given to a hive ${phase.dispatches} time(s)`);
      return [...this.#finish(endedByQueen(phase, { state: "failed", error, now }), failed(error)), close];
    }
    const again = requeue(phase, reason);
    this.#record.move(again);
    this.log.begin(again.term);
    return [
      close,
      this.#write([{ type: "state", state: "queued", reason }]),
      { do: "place" },
      { do: "alarm", at: now + limits.take_up_ms },
    ];
  }

  /** The one way into an ending: state and last event are written together. [JOB-1] */
  #finish(ended: Ended, outcome: Outcome): Effect[] {
    this.log.begin(ended.term);
    const shown = this.#write([lastEventOf(outcome)]);
    this.#record.move(ended);
    return [shown, { do: "release", ended }, { do: "alarm", at: ended.finished_at + limits.job_retention_ms }];
  }

  #write(events: readonly JobEvent[]): Effect {
    const entries = this.log.append(events);
    this.log.commit();
    return { do: "show", entries };
  }
}
