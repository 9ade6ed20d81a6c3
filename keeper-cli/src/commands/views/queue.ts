import type { OperationResult } from "@rbee/sdk";
import { paintOut } from "../../terminal/output.ts";
import { duration, plural } from "../../terminal/words.ts";
import { columns, withoutEmpty } from "./parts.ts";

type Queue = OperationResult<"queue_list">;

export function renderQueue({ jobs, queued }: Queue): string {
  if (queued === 0) return "Nothing waits.";
  const now = Date.now();
  const [head, rows] = withoutEmpty(
    ["job", "place", "model", "waited", "priority", "key", "why", "starts in"],
    jobs.map((job) => [
      job.job_id,
      String(job.position),
      job.model ?? job.operation,
      duration(now - job.submitted_at),
      job.priority === "normal" ? "" : job.priority,
      job.key,
      job.hive_id === undefined ? job.reason : `${job.hive_id}: ${job.reason}`,
      job.eta_ms === undefined ? "" : `about ${duration(job.eta_ms)}`,
    ]),
  );
  const more = queued - jobs.length;
  const rest = more > 0 ? paintOut("dim", `\n${plural(more, "job")} more; --limit shows them.`) : "";
  return columns(head, rows) + rest;
}
