import { z } from "zod";
import { Problem } from "./errors.ts";
import { HiveId, JobId, WorkerId } from "./ids.ts";

/** `queued → dispatched → running → succeeded | failed | cancelled`; a lost job goes back to `queued`. */
export const JobState = z.enum(["queued", "dispatched", "running", "succeeded", "failed", "cancelled"]);
export type JobState = z.infer<typeof JobState>;
export const isTerminal = (state: JobState): boolean =>
  state === "succeeded" || state === "failed" || state === "cancelled";

/** Answer to `POST /v1/jobs`. */
export const Submitted = z.object({ job_id: JobId, sse_url: z.string() });
export type Submitted = z.infer<typeof Submitted>;

/** Answer to `GET /v1/jobs/{id}`. Times in milliseconds since the epoch, by the queen's clock. */
export const JobView = z.object({
  job_id: JobId,
  operation: z.string(),
  state: JobState,
  cancelling: z.boolean(),
  submitted_at: z.int(),
  finished_at: z.int().optional(),
  hive_id: HiveId.optional(),
  worker_id: WorkerId.optional(),
  /** Times the job was given to a hive. */
  dispatches: z.int().nonnegative(),
  /** Queued: place in the queue, 1 = next, and why it waits. */
  position: z.int().positive().optional(),
  reason: z.string().optional(),
  result: z.record(z.string(), z.unknown()).optional(),
  error: Problem.optional(),
});
export type JobView = z.infer<typeof JobView>;

/** One line of `GET /v1/jobs`, newest first. */
export const JobLine = JobView.pick({
  job_id: true,
  operation: true,
  state: true,
  submitted_at: true,
  finished_at: true,
  hive_id: true,
}).extend({ model: z.string().optional(), error_code: z.string().optional() });
export type JobLine = z.infer<typeof JobLine>;
export const JobList = z.object({ jobs: z.array(JobLine) });

/** Answer to `DELETE /v1/jobs/{id}`: what the job is now. A second DELETE answers the same. */
export const CancelAnswer = z.object({ job_id: JobId, status: z.enum([...JobState.options, "cancelling"]) });
export type CancelAnswer = z.infer<typeof CancelAnswer>;
