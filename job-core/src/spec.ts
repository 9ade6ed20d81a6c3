import type { OperationName } from "@rbee/contracts";

/** What was asked for. Written once. */
export interface JobSpec {
  readonly job_id: string;
  readonly colony: string;
  readonly operation: OperationName;
  readonly input: Readonly<Record<string, unknown>>;
  readonly key_id: string;
  /** Milliseconds since the epoch. */
  readonly submitted_at: number;
}

/** Whether this is the same request again, for an Idempotency-Key. */
export const isSameRequest = (one: JobSpec, other: JobSpec): boolean =>
  one.operation === other.operation && JSON.stringify(one.input) === JSON.stringify(other.input);
