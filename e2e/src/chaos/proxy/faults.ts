import type { Random } from "../random.ts";
import type { Frame } from "./codec.ts";

/** What can happen to one WebSocket message on its way. */
export const frameFaults = ["drop", "duplicate", "delay", "reorder", "truncate", "garble", "replay"] as const;
export type FrameFault = (typeof frameFaults)[number];

export type LinkKind = "control" | "lane";

/** Says what happens to the next message, if anything. */
export type FrameDice = (kind: LinkKind) => FrameFault | undefined;

/** @param part how many of the messages meet a fault, 0 to 1 */
export function diceOf(random: Random, faults: readonly FrameFault[], part: number): FrameDice {
  return () => (faults.length > 0 && random.chance(part) ? random.pick(faults) : undefined);
}

/**
 * Whether a line of this kind must break soon after the fault. A transport delivers every message, in order, until it breaks;
 * what comes once on a control socket (an inventory, say) is only repeated when it does. Lanes get no such mercy: they
 * number everything.
 */
export const breaksLine = (kind: LinkKind, fault: FrameFault): boolean =>
  kind === "control" && fault !== "duplicate" && fault !== "delay";

export const truncated = (frame: Frame): Frame => ({
  ...frame,
  payload: frame.payload.subarray(0, Math.floor(frame.payload.length / 2)),
});

/** First and last byte change places: never valid JSON, always valid UTF-8, since both are brackets or letters. */
export function garbled(frame: Frame): Frame {
  const payload = Buffer.from(frame.payload);
  const last = payload.length - 1;
  [payload[0], payload[last]] = [payload[last] ?? 0, payload[0] ?? 0];
  return { ...frame, payload };
}
