import { limits, type JobState, type Operation, type Problem } from "@rbee/contracts";

/** Where a job was put: a hive, and the worker there when one was chosen. */
export interface Placement {
  readonly hive_id: string;
  readonly worker_id?: string;
  /** Of the model file that runs the job there, when the hive told it. */
  readonly model_digest?: string;
}

/** Waiting for a place. The queen owns the (even) term. */
export interface Queued {
  readonly state: "queued";
  readonly term: number;
  readonly dispatches: number;
  readonly reason: string;
  readonly position?: number;
  /** Part of the answer was shown: only a hive with this very model can go on behind it. */
  readonly model_digest?: string;
}

/** Given to a hive, which owns the (odd) term until it ends the job or its lease runs out. */
export interface Placed extends Placement {
  readonly state: "placed";
  readonly term: number;
  readonly dispatches: number;
  /** The hive has until then to show itself; each sign of life moves it. Milliseconds since the epoch. */
  readonly lease_until: number;
  /** The lane broke and is not back: the lease runs from then, however often the object sleeps and wakes meanwhile. */
  readonly lane_gone?: { readonly at: number; readonly told: boolean };
  /** Set once somebody cancelled: the hive has until then to stop. */
  readonly cancel_until?: number;
}

/** Over. There is no way out of here: exactly one ending per job. [JOB-1] */
export interface Ended extends Partial<Placement> {
  readonly state: "succeeded" | "failed" | "cancelled";
  readonly term: number;
  readonly dispatches: number;
  readonly finished_at: number;
  readonly error?: Problem;
}

export type Phase = Queued | Placed | Ended;

export const isEnded = (phase: Phase): phase is Ended => phase.state !== "queued" && phase.state !== "placed";

export const newlyQueued = (reason: string, position?: number): Queued => ({
  state: "queued",
  term: 0,
  dispatches: 0,
  reason,
  ...(position === undefined ? {} : { position }),
});

/** A hive takes over: the next odd term. [JOB-2] */
export const place = (phase: Queued, placement: Placement, now: number): Placed => ({
  state: "placed",
  term: phase.term + 1,
  dispatches: phase.dispatches + 1,
  hive_id: placement.hive_id,
  ...(placement.worker_id === undefined ? {} : { worker_id: placement.worker_id }),
  ...(placement.model_digest === undefined ? {} : { model_digest: placement.model_digest }),
  lease_until: now + limits.take_up_ms,
});

/** The hive that has the job says how it ended, within its own term. [JOB-4] */
export function endedByHive(phase: Placed, ending: { state: Ended["state"]; error?: Problem; now: number }): Ended {
  const { term, dispatches, hive_id, worker_id } = phase;
  return {
    state: ending.state,
    term,
    dispatches,
    hive_id,
    ...(worker_id === undefined ? {} : { worker_id }),
    finished_at: ending.now,
    ...(ending.error === undefined ? {} : { error: ending.error }),
  };
}

/** The queen ends the job herself, in a term of her own, so that her last word stands after all a hive may have said. [JOB-5] */
export function endedByQueen(
  phase: Queued | Placed,
  ending: { state: Ended["state"]; error?: Problem; now: number },
): Ended {
  return {
    state: ending.state,
    term: queensTerm(phase),
    dispatches: phase.dispatches,
    ...(phase.state === "placed" ? { hive_id: phase.hive_id } : {}),
    finished_at: ending.now,
    ...(ending.error === undefined ? {} : { error: ending.error }),
  };
}

/** The term in which the queen speaks next. */
export const queensTerm = (phase: Queued | Placed): number => (phase.state === "queued" ? phase.term : phase.term + 1);

/** What becomes of a job whose hive is lost, or gave it back. [JOB-6] */
export type Fate = "requeue" | "hive_lost" | "attempts_exhausted";

/** @param job whether a token of it was shown, and whether another hive can go on behind that */
export function fateOf(phase: Placed, rerun: Operation["rerun"], job: { shown: boolean; continues: boolean }): Fate {
  if (rerun === "never" || (rerun === "unseen" && job.shown && !job.continues)) return "hive_lost";
  return phase.dispatches < limits.dispatches_max ? "requeue" : "attempts_exhausted";
}

/** Back to the queue: the queen takes the next even term. [JOB-2] @param model_digest what it must go on with */
export const requeue = (phase: Placed, reason: string, model_digest?: string): Queued => ({
  state: "queued",
  term: phase.term + 1,
  dispatches: phase.dispatches,
  reason,
  ...(model_digest === undefined ? {} : { model_digest }),
});

/** The state a client reads. `running` once the hive has shown itself. */
export const visibleState = (phase: Phase, takenUp: boolean): JobState =>
  phase.state === "placed" ? (takenUp ? "running" : "dispatched") : phase.state;
