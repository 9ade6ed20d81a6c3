import { z } from "zod";
import { Problem } from "./errors.ts";
import { HiveId } from "./ids.ts";
import { limits } from "./limits.ts";

/** Progress in words: who did what. Never holds prompts, completions or keys. */
export const Narration = z.object({
  type: z.literal("narration"),
  actor: z.string().max(64),
  action: z.string().max(64),
  level: z.enum(["info", "warn", "error"]).default("info"),
  human: z.string().max(4_096),
  fields: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
});
export type Narration = z.infer<typeof Narration>;

/** Progress in numbers. `total` and `eta_ms` are absent when unknown, never guessed. */
export const Progress = z.object({
  type: z.literal("progress"),
  done: z.number().nonnegative(),
  total: z.number().nonnegative().optional(),
  unit: z.enum(["bytes", "percent", "items", "layers"]),
  eta_ms: z.number().nonnegative().optional(),
  /** Units per second, lately. */
  per_second: z.number().nonnegative().optional(),
});
export type Progress = z.infer<typeof Progress>;

/** Part of a tool call. `id` and `name` come once, in its first piece; pieces without `arguments` are what is around them. */
export const ToolCallPart = z.object({
  /** Which call of the answer, from 0. */
  index: z.int().nonnegative().max(limits.tool_calls_max),
  id: z.string().max(limits.tool_call_id_chars_max).optional(),
  name: z.string().max(128).optional(),
  arguments: z.string().optional(),
});
export type ToolCallPart = z.infer<typeof ToolCallPart>;

/** How likely a token was, as a natural logarithm. `bytes` is its UTF-8, since its text may be part of a character. */
const Likelihood = z.object({ token: z.string(), logprob: z.number(), bytes: z.array(z.int()).max(1_024) });
export const Logprob = Likelihood.extend({ top: z.array(Likelihood).max(limits.logprobs_max) });
export type Logprob = z.infer<typeof Logprob>;

/** A piece of what the model wrote: whole characters, at least one. */
export const Token = z.object({
  type: z.literal("token"),
  text: z.string(),
  /** The text is part of a tool call, not of the answer. */
  tool_call: ToolCallPart.optional(),
  /** Of the tokens that this text came with. */
  logprobs: z.array(Logprob).max(limits.logprobs_per_event_max).optional(),
  /** In the answer's first piece, where the engine knows by then: the prompt's tokens, and how many were still in the engine. */
  prompt: z.object({ tokens: z.int().nonnegative(), cached_tokens: z.int().nonnegative() }).optional(),
});
export type Token = z.infer<typeof Token>;

/** Where the job stands. Written by the queen only. */
export const State = z.object({
  type: z.literal("state"),
  state: z.enum(["queued", "dispatched", "cancelled"]),
  /** Queued: place in the queue, 1 = next. */
  position: z.int().positive().optional(),
  /** Queued: about how long until it has a place, from how long jobs of this model took lately; absent when unknown. */
  eta_ms: z.int().nonnegative().optional(),
  /** Queued: why. Cancelled: who asked. */
  reason: z.string().max(512).optional(),
  /** Dispatched: where to. */
  hive_id: HiveId.optional(),
});
export type State = z.infer<typeof State>;

/** The job was given to a hive again; written by the queen in front of what that hive says. */
export const Attempt = z.object({
  type: z.literal("attempt"),
  /** Times the job was given to a hive, this one included. */
  attempt: z.int().min(2),
  hive_id: HiveId,
  /** Token events before this one that stay: the hive goes on behind them. 0: it begins anew, nothing was shown. */
  tokens_kept: z.int().nonnegative(),
});
export type Attempt = z.infer<typeof Attempt>;

export const ResultEvent = z.object({ type: z.literal("result"), result: z.record(z.string(), z.unknown()) });
/** The problem of a failed job; `type` says that it is an event, so the problem's own type URI stays out. */
export const ErrorEvent = Problem.omit({ type: true }).extend({ type: z.literal("error") });

/** One entry of a job's log, as `?format=json` shows it. After the last one the stream says `[DONE]`. */
export const JobEvent = z.discriminatedUnion("type", [
  Narration,
  Progress,
  Token,
  State,
  Attempt,
  ResultEvent,
  ErrorEvent,
]);
export type JobEvent = z.infer<typeof JobEvent>;

/** What a handler may yield. Results, errors and states are said by returning, throwing, and by the queen. */
export const HandlerEvent = z.discriminatedUnion("type", [Narration, Progress, Token]);
export type HandlerEvent = z.infer<typeof HandlerEvent>;

/** On a lane and in the log a token, by far the commonest event, is just its text. */
export const PackedEvent = z.union([z.string(), HandlerEvent]);
export type PackedEvent = string | JobEvent;

/** What a model wrote, as it is handed on: mostly just text. */
export type Piece = string | Omit<Token, "type">;

export const tokenOf = (piece: Piece): Token =>
  typeof piece === "string" ? { type: "token", text: piece } : { type: "token", ...piece };

/** A token of which nothing is told but its text. */
export const isJustText = ({ tool_call, logprobs, prompt }: Omit<Token, "type">): boolean =>
  tool_call === undefined && logprobs === undefined && prompt === undefined;

export const pack = (event: JobEvent): PackedEvent =>
  event.type === "token" && isJustText(event) ? event.text : event;
export const unpack = (packed: PackedEvent): JobEvent =>
  typeof packed === "string" ? { type: "token", text: packed } : packed;

export const narrate = (actor: string, action: string, human: string): Narration => ({
  type: "narration",
  actor,
  action,
  level: "info",
  human,
});
