import { z } from "zod";
import { Inventory } from "../fleet.ts";
import { JobId } from "../ids.ts";
import { limits } from "../limits.ts";
import { LaneDown, LaneUp } from "./lane.ts";
import { LINK_VERSION_MIN } from "./protocol.ts";

const Term = z.int().nonnegative();

/** A job that a hive has, in the term in which it was given it. */
export const HeldJob = z.object({ job_id: JobId, term: Term });
export type HeldJob = z.infer<typeof HeldJob>;

/** Hive → queen, first: who is dialling and what it still holds. */
export const Hello = z.object({
  t: z.literal("hello"),
  version: z.int().min(LINK_VERSION_MIN),
  /** New at every start of the agent: tells a reconnect from a second agent with the same credential. */
  instance_id: z.string().min(8).max(64),
  inventory: Inventory,
  /** Jobs whose end the queen has not acknowledged yet. */
  jobs: z.array(HeldJob).max(1_000),
});
export type Hello = z.infer<typeof Hello>;

/** Queen → hive: the connection counts from here on. */
export const Welcome = z.object({ t: z.literal("welcome"), session: z.int().positive() });
export type Welcome = z.infer<typeof Welcome>;

/** Token events of earlier terms, in order. */
export const Resume = z.object({ tokens: z.array(z.string()).min(1).max(limits.tokens_per_job_max) });
export type Resume = z.infer<typeof Resume>;

/** Queen → hive: do this. The hive journals it, then opens the job's lane, which is the receipt. A repeat changes nothing. */
export const Op = z.object({
  t: z.literal("op"),
  job_id: JobId,
  term: Term,
  /** Checked against the hive's own table: it may be a version behind. */
  operation: z.string().max(64),
  input: z.record(z.string(), z.unknown()),
  /** The worker the queen chose, when there is one. */
  worker_id: z.string().optional(),
  /** Tokens that readers have seen of a hive that was lost: go on behind them. */
  resume: Resume.optional(),
  lane_token: z.string().max(1_024),
});
export type Op = z.infer<typeof Op>;

/** Queen → hive: stop this job. Also said on the lane when there is one. */
export const Cancel = z.object({ t: z.literal("cancel"), job_id: JobId, term: Term });
export type Cancel = z.infer<typeof Cancel>;

/** Hive → queen: what the hive has now, whole; sent when it changed. */
export const InventoryUpdate = z.object({ t: z.literal("inventory"), inventory: Inventory });
export type InventoryUpdate = z.infer<typeof InventoryUpdate>;

/**
 * Hive → queen: what a job has said before its lane was dialled, as the lane's first message would say it. A short job is
 * over with this and needs no lane; any other goes on there.
 */
export const Prelude = z.object({
  t: z.literal("prelude"),
  job_id: JobId,
  term: Term,
  frames: z.array(LaneUp).min(1).max(limits.bundle_frames_max),
});
export type Prelude = z.infer<typeof Prelude>;

/** Queen → hive: her answer to a prelude, as the lane would give it. Empty: that term is not the hive's (any more). */
export const PreludeAnswer = z.object({
  t: z.literal("prelude_answer"),
  job_id: JobId,
  term: Term,
  frames: z.array(LaneDown).max(limits.bundle_frames_max),
});
export type PreludeAnswer = z.infer<typeof PreludeAnswer>;

/** Hive → queen: send nothing new; what runs will end. */
export const Drain = z.object({ t: z.literal("drain") });
export type Drain = z.infer<typeof Drain>;

export const ControlUp = z.discriminatedUnion("t", [Hello, InventoryUpdate, Prelude, Drain]);
export type ControlUp = z.infer<typeof ControlUp>;
export const ControlDown = z.discriminatedUnion("t", [Welcome, Op, Cancel, PreludeAnswer]);
export type ControlDown = z.infer<typeof ControlDown>;
