import { limits, type LaneDown, type Narration, type Problem } from "@rbee/contracts";
import { dueAt, type Ended, type LogEntry, type Placed, type Placement } from "@rbee/job-core";
import type { OpenJob } from "./want.ts";

/** What the registry answers when a job asks for a place. */
export type Decision =
  | { readonly kind: "placed"; readonly placement: Placement }
  | { readonly kind: "waiting"; readonly reason: string; readonly position: number; readonly eta_ms?: number }
  | { readonly kind: "refused"; readonly problem: Problem };

/** To a job that was given a place for its question, or has asked another one since: then nobody waits for this answer. [REG-2] */
export const alreadyAnswered = ({ placement }: OpenJob): Decision =>
  placement === undefined
    ? { kind: "waiting", reason: "it has asked again", position: 1 }
    : { kind: "placed", placement };

/** What lets a new job begin. */
export type Admitted = Exclude<Decision, { kind: "refused" }>;

/**
 * What a job wants done to the world. The job decides and writes; its Durable Object carries these out, in order, after
 * the writes. Each may be lost with the machine that holds it: the alarm, the hive's resend or the registry's audit
 * brings it about again.
 */
export type Effect =
  /** Send the operation to the hive's control socket. */
  | { readonly do: "deliver"; readonly hive_id: string; readonly term: number }
  /** Ask the hive to stop, on the lane or else on its control socket. */
  | { readonly do: "cancel"; readonly hive_id: string; readonly term: number }
  /** The hive was silent: nothing more goes down its line. If it is there, it dials again. [HIVE-4] */
  | { readonly do: "hang_up"; readonly hive_id: string }
  /** Ask the registry for a place. */
  | { readonly do: "place" }
  /** Tell the registry that the job is over. */
  | { readonly do: "release"; readonly ended: Ended }
  | { readonly do: "say"; readonly message: LaneDown }
  | { readonly do: "close_lane"; readonly why: "done" | "stale_term" }
  /** Show new log entries to every reader. */
  | { readonly do: "show"; readonly entries: readonly LogEntry[] }
  /** Tell every reader something that is true now and not part of the log. */
  | { readonly do: "tell"; readonly notice: Narration }
  | { readonly do: "alarm"; readonly at: number }
  /** Remove everything: the log's time is up. */
  | { readonly do: "forget" };

export const CLOSE_LANE: Effect = { do: "close_lane", why: "stale_term" };

export const hangUp = ({ hive_id }: Placed): Effect => ({ do: "hang_up", hive_id });

/** The registry's answer may be lost on its way: then it is asked again. */
export const placeBy = (now: number): Effect[] => [{ do: "place" }, { do: "alarm", at: now + limits.take_up_ms }];

export const alarmOf = (phase: Placed): Effect => ({ do: "alarm", at: dueAt(phase) });
