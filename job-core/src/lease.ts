import { limits } from "@rbee/contracts";
import type { Placed } from "./phase.ts";

/** A sign of life at `heard_at` renews the lease; it never shortens it. [JOB-3] */
export const heard = (phase: Placed, heard_at: number): Placed => ({
  ...phase,
  lease_until: Math.max(phase.lease_until, heard_at + limits.lease_ms),
});

/** The lane broke: the hive has so long to come back, once. [JOB-7] */
export const laneGone = (phase: Placed, now: number, grace_ms: number): Placed =>
  phase.lane_gone === undefined
    ? { ...phase, lease_until: now + grace_ms, lane_gone: { at: now, told: false } }
    : phase;

/** Its hive is here again, whatever time it was given to come back. [JOB-7] */
export function laneBack(phase: Placed, now: number): Placed {
  const { lane_gone: _over, ...rest } = phase;
  return heard(rest, now);
}

/**
 * The clock went back, or the queen slept: a time further off than it can have been set counts from now, and what did
 * not come while nobody listened proves nothing. [JOB-8]
 */
export function afterClockJump(phase: Placed, now: number): Placed {
  const slept = now - dueAt(phase) > limits.alarm_late_ms;
  const { lease_until, cancel_until, lane_gone } = phase;
  const within = (until: number, ms: number) => (slept ? now + ms : Math.min(until, now + ms));
  return {
    ...phase,
    lease_until: within(lease_until, limits.lease_ms),
    ...(cancel_until === undefined ? {} : { cancel_until: within(cancel_until, limits.cancel_grace_ms) }),
    ...(lane_gone === undefined ? {} : { lane_gone: { ...lane_gone, at: slept ? now : Math.min(lane_gone.at, now) } }),
  };
}

/** Somebody wants the job stopped. The first request sets the time; later ones do not move it. */
export const cancelling = (phase: Placed, now: number): Placed =>
  phase.cancel_until === undefined ? { ...phase, cancel_until: now + limits.cancel_grace_ms } : phase;

/** Readers are told of a hive that is away once, unless it is back at once. */
const noticeAt = ({ lane_gone }: Placed): number =>
  lane_gone === undefined || lane_gone.told ? Infinity : lane_gone.at + limits.away_notice_ms;

/** When a placed job must be looked at again. */
export const dueAt = (phase: Placed): number =>
  Math.min(phase.lease_until, phase.cancel_until ?? Infinity, noticeAt(phase));

/** What the alarm of a placed job finds, and the phase as it is then. */
export interface Finding {
  readonly what: "cancel_unanswered" | "silent" | "away" | "nothing";
  readonly phase: Placed;
}

/** @param heardAt when the lane last gave a sign of life; `undefined` without a lane */
export function examine(placed: Placed, now: number, heardAt: number | undefined): Finding {
  const sane = afterClockJump(placed, now);
  const phase = heardAt === undefined ? sane : heard(sane, Math.min(heardAt, now));
  if (phase.cancel_until !== undefined && now >= phase.cancel_until) return { what: "cancel_unanswered", phase };
  if (now >= phase.lease_until) return { what: "silent", phase };
  if (phase.lane_gone === undefined || now < noticeAt(phase)) return { what: "nothing", phase };
  return { what: "away", phase: { ...phase, lane_gone: { ...phase.lane_gone, told: true } } };
}
