import {
  Device,
  FinishReason,
  Generation,
  limits,
  ModelId,
  Problem,
  Resume,
  Timings,
  ToolCall,
  Usage,
  WorkerId,
  type Piece,
} from "@rbee/contracts";
import { z } from "zod";
import { EnginePackage } from "./engine-package.ts";

/*
 * How the hive agent talks to a worker process. HTTP on 127.0.0.1, `Authorization: Bearer <token>` on every request.
 *
 *   GET    /health                  Health; 200 when ready, 503 while the model loads
 *   POST   /generations             GenerationRequest → NDJSON stream of frames; a known id is attached to, never run twice
 *   GET    /generations/{id}?after=n  the same stream from frame n+1 on; 404 when the worker does not know the id
 *   POST   /generations/{id}/taken?n=n  frames up to n were used; 204. A reader that came with ?taken=0 says so in steps, and
 *                                   the engine waits when it is worker_ahead_frames_max ahead of what that one has used
 *   DELETE /generations/{id}        stop it and forget it; 204, also when there was none. With ?waiting only if it has no slot
 *                                   yet: 409 worker_busy when it has
 *
 *   POST   /embeddings              EmbedRequest → Embeddings; ends when the caller leaves
 *
 * A stream is lines of JSON: `{n, text}` (and `tool_call`, `logprobs` where there are some) for n = 1, 2, 3…, whole characters, never empty; then once either
 * `{n, end}` or `{n, error}`. A generation outlives its reader by `orphan_ms`.
 * A refused request is answered with a Problem.
 */

const ModelOnDisk = {
  path: z.string(),
  backend: Device.shape.kind,
};

/** What generates: this process, a program it starts, a server that runs already, or nothing but a test. */
export const EngineOptions = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("llama"), ...ModelOnDisk, engine: EnginePackage.optional() }),
  z.strictObject({
    kind: z.literal("llama-server"),
    ...ModelOnDisk,
    program: z.string(),
    /** Whether the model was made to chat: a prompt is then a question, else a text to go on with. */
    chat: z.boolean(),
  }),
  z.strictObject({ kind: z.literal("openai"), url: z.url({ protocol: /^https?$/ }) }),
  z.strictObject({ kind: z.literal("synthetic") }),
]);
export type EngineOptions = z.infer<typeof EngineOptions>;
export type EngineOptionsOf<K extends EngineOptions["kind"]> = Extract<EngineOptions, { kind: K }>;

/** The one line of JSON a worker reads from stdin: arguments and environment of a process are visible to others. */
export const StartOptions = z.strictObject({
  worker_id: WorkerId,
  model: ModelId,
  engine: EngineOptions,
  slots: z.int().min(1).max(limits.slots_max),
  /** Tokens per slot. */
  context: z.int().positive(),
  threads: z.int().min(1),
  port: z.int().positive(),
  token: z.string().min(32),
  /** How long it keeps a generation that nobody reads, and how long it lives without an agent. */
  orphan_ms: z.int().positive().default(limits.worker_orphan_ms),
});
export type StartOptions = z.infer<typeof StartOptions>;

/** Exit code of a worker whose port was taken: the one failure after which another port may help. */
export const EXIT_PORT_TAKEN = 98;

export const Health = z.object({
  status: z.enum(["loading", "ready"]),
  model: ModelId,
  slots: z.int().positive(),
  slots_busy: z.int().nonnegative(),
  context: z.int().positive(),
  /** While loading: 0 to 1. */
  progress: z.number().optional(),
});
export type Health = z.infer<typeof Health>;

/** `<job_id>.<term>`: a job that is given to a hive again is another generation. */
export const GenerationId = z.string().regex(/^[A-Za-z0-9_-]{1,64}\.[0-9]{1,10}$/);
export const GenerationRequest = z.strictObject({
  id: GenerationId,
  generation: Generation,
  /** What another worker generated of it before it was lost, a string per frame: the frames here come behind that. */
  resume: Resume.shape.tokens.optional(),
});
/** What an engine is to generate. */
export type GenerationWork = Omit<z.infer<typeof GenerationRequest>, "id">;

export const GenerationEnd = z.object({
  finish_reason: FinishReason,
  /** The stop string of the request that ended it. */
  stop: z.string().optional(),
  tool_calls: z.array(ToolCall).optional(),
  usage: Usage,
  timings: Timings,
});
export type GenerationEnd = z.infer<typeof GenerationEnd>;

export const LastFrame = z.union([
  z.object({ n: z.int(), end: GenerationEnd }),
  z.object({ n: z.int(), error: Problem }),
]);
export type LastFrame = z.infer<typeof LastFrame>;
/** `text`, and what else a piece has that is not just text. */
export type Frame = ({ n: number } & Exclude<Piece, string>) | LastFrame;

export const EmbedRequest = z.strictObject({
  texts: z.array(z.string().min(1)).min(1).max(limits.embed_inputs_max),
  /** A text that is too long is embedded as far as the model reads; otherwise, or by a server of others, it is refused. */
  truncate: z.boolean().optional(),
});
export type EmbedWork = Readonly<z.infer<typeof EmbedRequest>>;
/** One vector of length 1 per text, and the tokens of all of them. */
export const Embeddings = z.object({
  embeddings: z.array(z.array(z.number())),
  prompt_tokens: z.int().nonnegative(),
});
export type Embeddings = z.infer<typeof Embeddings>;

/** What the worker's HTTP server needs of an engine. A generation ends by returning, or throws an RbeeError. */
export interface Engine {
  slotsBusy(): number;
  generate(work: GenerationWork, sink: Sink): Promise<GenerationEnd>;
  /** Absent in an engine that cannot. @throws RbeeError, or the signal's reason */
  embed?(work: EmbedWork, signal: AbortSignal): Promise<Embeddings>;
}

export interface Sink {
  /** Aborted on cancel: the engine stops as soon as it can and throws the signal's reason. */
  readonly signal: AbortSignal;
  /** Takes whole characters, at least one. */
  emit(piece: Piece): void;
  /** It has a slot: from here on it is work that would be lost. */
  begun?(): void;
  /** Set while whoever reads is too far behind: nothing more is generated before it resolves. */
  readonly room?: Promise<void> | undefined;
}

export interface LoadHooks {
  /** 0 to 1. */
  onProgress(progress: number): void;
  log(message: string): void;
}
