import type { OperationResult } from "@rbee/sdk";
import { paintOut } from "../../terminal/output.ts";
import { duration, plural } from "../../terminal/words.ts";
import { columns } from "./parts.ts";

type Queue = OperationResult<"queue_list">;
type Queued = Queue["jobs"][number];

export const queueHead = ["job", "place", "model", "waited", "priority", "key", "why", "starts in"] as const;

/** The cells of `queueHead`. */
export const queueRow = (job: Queued, now: number): string[] => [
  job.job_id,
  String(job.position),
  job.model ?? job.operation,
  duration(now - job.submitted_at),
  job.priority === "normal" ? "" : job.priority,
  job.key,
  job.hive_id === undefined ? job.reason : `${job.hive_id}: ${job.reason}`,
  job.eta_ms === undefined ? "" : `about ${duration(job.eta_ms)}`,
];

/** What nobody can tell for any job has no column. */
export function withoutEmpty(head: readonly string[], rows: readonly (readonly string[])[]): [string[], string[][]] {
  const told = head.map((_, i) => rows.some((row) => row[i] !== ""));
  const kept = <T>(cells: readonly T[]): T[] => cells.filter((_, i) => told[i]);
  return [kept(head), rows.map(kept)];
}

export function renderQueue({ jobs, queued }: Queue): string {
  if (queued === 0) return "Nothing waits.";
  const now = Date.now();
  const [head, rows] = withoutEmpty(
    queueHead,
    jobs.map((job) => queueRow(job, now)),
  );
  const more = queued - jobs.length;
  const rest = more > 0 ? paintOut("dim", `\n${plural(more, "job")} more; --limit shows them.`) : "";
  return columns(head, rows) + rest;
}
