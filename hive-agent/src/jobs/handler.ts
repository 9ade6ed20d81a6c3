import type { Handlers, Operations } from "@rbee/contracts";

/** What a handler on a hive knows about the job it runs. */
export interface HiveContext {
  readonly job_id: string;
  readonly term: number;
  /** Aborted on cancel, and when the term is over for any other reason. Handlers stop within a second of it. */
  readonly signal: AbortSignal;
  /**
   * Aborted when the agent takes nothing new and is to leave: what has not begun throws `draining` and runs elsewhere, what
   * has begun goes on.
   */
  readonly draining: AbortSignal;
  /** The worker the queen chose, when it chose one. */
  readonly worker_id: string | undefined;
  /** Token events of earlier terms, from hives that were lost: the answer goes on behind them. */
  readonly resume: readonly string[];
  /**
   * Token events of this term that an earlier run of this agent already journaled; a handler that can, goes on behind
   * them. `undefined` on a fresh start.
   */
  readonly resume_after_tokens: number | undefined;
}

/** A handler for every row that runs on a hive; a missing one does not compile. */
export type HiveHandlers = Handlers<Operations, "hive" | "worker", HiveContext>;
