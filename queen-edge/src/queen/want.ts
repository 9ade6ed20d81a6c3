import type { Priority } from "@rbee/contracts";
import type { Placement } from "@rbee/job-core";
import type { SessionKeys } from "./conversations.ts";

/** A model that is to run somewhere, on a device if one is wished for. */
export interface RoomWish {
  readonly model: string;
  /** `auto`, `cpu`, `cuda:0`, …; a bare number is a GPU's. */
  readonly device: string;
}

/** What a job needs of a hive. What is optional here is absent in lines that an older version wrote. */
export interface Want {
  readonly job_id: string;
  readonly operation: string;
  readonly submitted_at: number;
  /** Whose job it is. */
  readonly key_id?: string;
  /** `normal` unless said otherwise. */
  readonly priority?: Priority;
  /** It fails when it has waited so long for a place. */
  readonly max_wait_ms?: number;
  /** A hive by name, or `auto`. */
  readonly hive_id: string;
  /** Only hives that have all of them. */
  readonly hive_labels?: readonly string[];
  /** Set when a worker must run it; unset when the hive itself does. */
  readonly model?: string;
  readonly worker_id?: string;
  /** The model that an operation of a hive is about. */
  readonly about?: string;
  /** What it is to run, where the queen chooses the hive for an operation of a hive. */
  readonly room?: RoomWish;
  /** Hashes of the conversation it belongs to. */
  readonly session?: SessionKeys;
  /** Only a hive that has this very model will do: part of the answer was shown. */
  readonly model_digest?: string;
  readonly offline: "fail" | "wait" | "last_known";
}

/** Why a job went where it went: to the worker that holds its conversation, to a free slot, to a hive that loads its model, or to the hive that it named. */
export type How = "conversation" | "free" | "load" | "hive";

/** A job that is not over: in the queue, or with a hive. */
export interface OpenJob {
  /** Order of arrival; a job that comes back keeps its own. */
  readonly rank: number;
  readonly want: Want;
  readonly term: number;
  readonly placement: Placement | undefined;
  /** Since when it waits, or has its place. Milliseconds since the epoch. */
  readonly since: number;
  /** Why it got that place. */
  readonly how?: How;
}
