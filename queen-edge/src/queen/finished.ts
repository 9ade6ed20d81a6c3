import type { JobLine } from "@rbee/contracts";
import type { How } from "./want.ts";

/** What a job's engine did, from its result; of a job that has none, what its log tells. */
export interface Work {
  readonly prompt_tokens: number;
  readonly cached_tokens: number;
  readonly completion_tokens: number;
  /** The model as its hive calls it. */
  readonly model?: string;
  readonly worker_id?: string;
  /** From the first token to the last. */
  readonly generation_ms?: number;
  /** Times it was given to a hive. */
  readonly dispatches?: number;
}

/** What the accounts want of an ended job and nobody else does. */
export interface Account extends Partial<Work> {
  readonly key_id: string;
  /** Hash of the conversation, as its next turn will look for it. */
  readonly session?: string;
  /** When it got its last place; absent when it never had one. */
  readonly placed_at?: number;
  readonly how?: How;
  /** The model that an operation of a hive was about; no tokens were made with it. */
  readonly about?: string;
}

/** A line of the history; numbers only grow. Older versions wrote none for the accounts. */
export interface FinishedLine {
  readonly n: number;
  readonly line: JobLine & { readonly account?: Account };
}
