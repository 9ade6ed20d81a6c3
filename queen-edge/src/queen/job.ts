import {
  limits,
  operationOf,
  problemOf,
  type JobEvent,
  type Outcome,
  type PackedEvent,
  type Problem,
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
import { JobRecord, type JobSpec } from "./job-record.ts";

/** A job that exists: every method takes what happened, writes what follows, and returns what is to be done. */
export class Job {
  readonly spec: JobSpec;
  readonly log: EventLog;
  readonly #sql: Sql;
  readonly #record: JobRecord;
  #phase: Phase;

  private constructor(sql: Sql, record: JobRecord, existing: { spec: JobSpec; phase: Phase }) {
    this.#sql = sql;
    this.#record = record;
    this.spec = existing.spec;
    this.#phase = existing.phase;
    this.log = new EventLog(sql);
    this.log.begin(existing.phase.term);
  }

  /** The job this storage holds, if any. */
  static load(sql: Sql): Job | undefined {
    const record = new JobRecord(sql);
    const { spec, phase } = record;
    return spec === undefined || phase === undefined ? undefined : new Job(sql, record, { spec, phase });
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
    const record = new JobRecord(sql);
    record.create(spec, phase);
    return new Job(sql, record, { spec, phase });
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Whether this is the same request again, for an Idempotency-Key. */
  isSameRequest(spec: JobSpec): boolean {
    return this.spec.operation === spec.operation && JSON.stringify(this.spec.input) === JSON.stringify(spec.input);
  }

  /** The registry's answer to a job that waits. `undefined`: the job does not wait (any more), the place is free again. */
  decide(decision: Decision, now: number): Effect[] | undefined {
    const phase = this.#phase;
    if (phase.state !== "queued") return undefined;
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

  /** The hive opened a lane: it has journaled the job. The answer is where to go on from. [LANE-1] */
  laneHello(): Effect[] {
    const phase = this.#phase;
    if (phase.state === "placed" && phase.lane_gone === true) this.#move(laneBack(phase));
    const ready: Effect = { do: "say", message: { t: "ready", acked: this.log.acked } };
    const stopping = phase.state === "placed" && phase.cancel_until !== undefined;
    return stopping ? [ready, { do: "say", message: { t: "cancel" } }] : [ready];
  }

  /** Events from the lane of the current term. Shown at once; acknowledged once durable. [LANE-2] [LANE-3] */
  events(first: number, items: readonly PackedEvent[]): Effect[] {
    const offered = this.log.offer(first, items);
    if (offered.kind === "gap") return [{ do: "say", message: { t: "ready", acked: this.log.acked } }];
    const effects: Effect[] = offered.entries.length === 0 ? [] : [{ do: "show", entries: offered.entries }];
    // The first events of a term are committed before anyone sees them, so that "was anything shown?" has a durable answer. [LANE-4]
    const due =
      this.log.acked === 0 || this.log.tailEvents >= limits.commit_events || this.log.tailBytes >= limits.commit_bytes;
    return due ? [...this.flush(), ...effects] : effects;
  }

  /** The hive has nothing more for now: make durable what there is, and say so. */
  flush(): Effect[] {
    this.log.commit();
    return [{ do: "say", message: { t: "ack", acked: this.log.acked } }];
  }

  /** The hive says how its term ended. Counts only when every event before it is here. [LANE-5] */
  end(final: number, outcome: Outcome, now: number): Effect[] {
    const phase = this.#phase;
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
    const phase = this.#phase;
    if (phase.state !== "placed" || phase.lane_gone === true) return [];
    const waiting = laneGone(phase, now);
    this.#move(waiting);
    return [{ do: "alarm", at: dueAt(waiting) }];
  }

  /** The hive of this term cannot have the job: it was not there to take it, or came back without it. */
  notThere(term: number, reason: string, now: number): Effect[] {
    const phase = this.#phase;
    if (phase.state !== "placed" || phase.term !== term) return [];
    return this.#sql.transaction(() => this.#lost(phase, reason, now));
  }

  cancel(now: number): Effect[] {
    const phase = this.#phase;
    if (isEnded(phase)) return [];
    return this.#sql.transaction(() => {
      if (phase.state === "queued")
        return this.#finish(endedByQueen(phase, { state: "cancelled", now }), { status: "cancelled" });
      const stopping = cancelling(phase, now);
      this.#move(stopping);
      return [
        { do: "cancel", hive_id: phase.hive_id, term: phase.term },
        { do: "alarm", at: dueAt(stopping) },
      ];
    });
  }

  /** @param heardAt when the lane last gave a sign of life; `undefined` without a lane */
  alarm(now: number, heardAt: number | undefined): Effect[] {
    const phase = this.#phase;
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
    const phase = this.#phase as Placed;
    const { hive_id, term, worker_id } = phase;
    this.log.begin(term);
    return [
      { do: "alarm", at: dueAt(phase) },
      { do: "deliver", hive_id, term, ...(worker_id === undefined ? {} : { worker_id }) },
    ];
  }

  #waiting({ reason, position }: { reason: string; position: number }): Effect[] {
    this.#move({ ...(this.#phase as Queued), reason, position });
    return [this.#write([{ type: "state", state: "queued", position, reason }])];
  }

  #assigned(phase: Queued, placement: Placement, now: number): Effect[] {
    const shown = this.#write([{ type: "state", state: "dispatched", hive_id: placement.hive_id }]);
    this.#move(place(phase, placement, now));
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
    this.#move(again);
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
    this.#move(ended);
    return [shown, { do: "release", ended }, { do: "alarm", at: ended.finished_at + limits.job_retention_ms }];
  }

  #write(events: readonly JobEvent[]): Effect {
    const entries = this.log.append(events);
    this.log.commit();
    return { do: "show", entries };
  }

  #move(phase: Phase): void {
    this.#record.move(phase);
    this.#phase = phase;
  }
}

const failed = (error: Problem): Outcome => ({ status: "failed", error });

function endingOf(outcome: Outcome, now: number): { state: Ended["state"]; error?: Problem; now: number } {
  if (outcome.status === "refused" || outcome.status === "failed")
    return { state: "failed", error: outcome.error, now };
  return { state: outcome.status, now };
}

function lastEventOf(outcome: Outcome): JobEvent {
  switch (outcome.status) {
    case "succeeded":
      return { type: "result", result: outcome.result };
    case "cancelled":
      return { type: "state", state: "cancelled" };
    case "failed":
    case "refused": {
      const { type: _uri, ...problem } = outcome.error;
      return { type: "error", ...problem };
    }
  }
}
