import { z } from "zod";
import { PackedEvent } from "../events.ts";
import { Problem } from "../errors.ts";
import { limits } from "../limits.ts";

const Seq = z.int().nonnegative();

/** Hive → queen, first on a lane: the job was journaled; this is the last event number the journal holds. */
export const LaneHello = z.object({ t: z.literal("lane_hello"), last: Seq });
export type LaneHello = z.infer<typeof LaneHello>;

/** Queen → hive: she has everything up to `acked`. Answers a hello; unasked it answers a gap: go back to there. */
export const Ready = z.object({ t: z.literal("ready"), acked: Seq });
export type Ready = z.infer<typeof Ready>;

/** Hive → queen: events `first`, `first` + 1, … in order. */
export const Events = z.object({
  t: z.literal("ev"),
  first: z.int().positive(),
  items: z.array(PackedEvent).min(1).max(limits.frame_events_max),
});
export type Events = z.infer<typeof Events>;

/** Hive → queen: nothing more is coming for now; commit what you have and acknowledge it. */
export const Flush = z.object({ t: z.literal("flush") });
export type Flush = z.infer<typeof Flush>;

/** Queen → hive: everything up to `acked` is durable; forget it. */
export const Ack = z.object({ t: z.literal("ack"), acked: Seq });
export type Ack = z.infer<typeof Ack>;

/** How a term ended on the hive. `refused`: the hive did not start it; place it elsewhere. */
export const Outcome = z.discriminatedUnion("status", [
  z.object({ status: z.literal("succeeded"), result: z.record(z.string(), z.unknown()) }),
  z.object({ status: z.literal("failed"), error: Problem }),
  z.object({ status: z.literal("cancelled") }),
  z.object({ status: z.literal("refused"), error: Problem }),
]);
export type Outcome = z.infer<typeof Outcome>;

/** Hive → queen: the term is over after event `final`. Journaled together with its last events. */
export const End = z.object({ t: z.literal("end"), final: Seq, outcome: Outcome });
export type End = z.infer<typeof End>;

/** Queen → hive: the end is durable; forget the job. */
export const EndAck = z.object({ t: z.literal("end_ack") });
export type EndAck = z.infer<typeof EndAck>;

/** Queen → hive: stop the job; its end follows as usual. */
export const LaneCancel = z.object({ t: z.literal("cancel") });
export type LaneCancel = z.infer<typeof LaneCancel>;

export const LaneUp = z.discriminatedUnion("t", [LaneHello, Events, Flush, End]);
export type LaneUp = z.infer<typeof LaneUp>;
export const LaneDown = z.discriminatedUnion("t", [Ready, Ack, EndAck, LaneCancel]);
export type LaneDown = z.infer<typeof LaneDown>;

/** What is ready together goes as one message, a list: a short job is one message each way. */
const bundleOf = <Frame extends z.ZodType>(frame: Frame) =>
  z.union([frame, z.array(frame).min(1).max(limits.bundle_frames_max)]);
export const LaneUpMessage = bundleOf(LaneUp);
export const LaneDownMessage = bundleOf(LaneDown);
