import type { JobLine, JobView } from "@rbee/sdk";
import { ago, duration } from "../../terminal/words.ts";
import { coloured, columns, sheet } from "./parts.ts";

export function renderJobs({ jobs }: { jobs: readonly JobLine[] }): string {
  if (jobs.length === 0) return "No jobs yet.";
  const rows = jobs.map((job) => [
    job.job_id,
    job.operation,
    job.error_code === undefined ? coloured(job.state) : `${coloured(job.state)} (${job.error_code})`,
    job.hive_id ?? "",
    job.model ?? "",
    ago(job.submitted_at),
    job.finished_at === undefined ? "" : duration(job.finished_at - job.submitted_at),
  ]);
  return columns(["job", "operation", "state", "hive", "model", "submitted", "took"], rows);
}

export const renderJob = (job: JobView): string =>
  sheet({
    job: job.job_id,
    operation: job.operation,
    state: `${coloured(job.state)}${job.cancelling ? ", cancelling" : ""}`,
    waits:
      job.position === undefined
        ? job.reason
        : `position ${job.position}${job.reason === undefined ? "" : `: ${job.reason}`}`,
    hive: job.hive_id,
    worker: job.worker_id,
    submitted: ago(job.submitted_at),
    took: job.finished_at === undefined ? undefined : duration(job.finished_at - job.submitted_at),
    error: job.error === undefined ? undefined : `[${job.error.code}] ${job.error.detail}`,
    result: job.result === undefined ? undefined : JSON.stringify(job.result),
  });
