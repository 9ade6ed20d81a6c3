import { operationOf, type JobView } from "@rbee/contracts";
import { visibleState, type Ended, type Phase } from "@rbee/job-core";
import type { Job } from "./job.ts";
import type { JobSpec } from "./job-record.ts";
import type { Ending, Want } from "./ledger.ts";

/** What a job needs of the fleet, in the phase it is in. */
export function wantOf({ job_id, operation, input, submitted_at }: JobSpec, phase?: Phase): Want {
  const row = operationOf(operation);
  const text = (field: string) => (typeof input[field] === "string" ? input[field] : undefined);
  const model = row.executor === "worker" ? text("model") : undefined;
  const worker_id = row.executor === "worker" ? text("worker_id") : undefined;
  const model_digest = phase?.state === "queued" ? phase.model_digest : undefined;
  return {
    job_id,
    operation,
    submitted_at,
    hive_id: text("hive_id") ?? "auto",
    ...(model === undefined ? {} : { model }),
    ...(worker_id === undefined ? {} : { worker_id }),
    ...(model_digest === undefined ? {} : { model_digest }),
    offline: row.offline,
  };
}

export const endingOf = ({ state, finished_at, hive_id, error }: Ended): Ending => ({
  state,
  finished_at,
  ...(hive_id === undefined ? {} : { hive_id }),
  ...(error === undefined ? {} : { error_code: error.code }),
});

/** A job as `GET /v1/jobs/{id}` shows it. */
export function viewOf(job: Job, takenUp: boolean): JobView {
  const { spec, phase } = job;
  const common = {
    job_id: spec.job_id,
    operation: spec.operation,
    state: visibleState(phase, takenUp),
    cancelling: phase.state === "placed" && phase.cancel_until !== undefined,
    submitted_at: spec.submitted_at,
    dispatches: phase.dispatches,
  };
  if (phase.state === "queued") {
    return { ...common, reason: phase.reason, ...(phase.position === undefined ? {} : { position: phase.position }) };
  }
  const { hive_id, worker_id } = phase;
  const placed = {
    ...common,
    ...(hive_id === undefined ? {} : { hive_id }),
    ...(worker_id === undefined ? {} : { worker_id }),
  };
  if (phase.state === "placed") return placed;
  const last = job.log.newest();
  return {
    ...placed,
    finished_at: phase.finished_at,
    ...(phase.error === undefined ? {} : { error: phase.error }),
    ...(last?.type === "result" ? { result: last.result } : {}),
  };
}
