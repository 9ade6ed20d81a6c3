import type { JobView } from "@rbee/contracts";
import type { EventLog } from "./event-log.ts";
import { visibleState, type Phase } from "./phase.ts";
import type { JobSpec } from "./spec.ts";

/** A job, wherever it is kept. */
export interface KeptJob {
  readonly spec: JobSpec;
  readonly phase: Phase;
  readonly log: EventLog;
}

/** A job as `GET /v1/jobs/{id}` shows it. @param takenUp whether its hive has shown itself */
export function viewOf({ spec, phase, log }: KeptJob, takenUp: boolean): JobView {
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
  const last = log.newest();
  return {
    ...placed,
    finished_at: phase.finished_at,
    ...(phase.error === undefined ? {} : { error: phase.error }),
    ...(last?.type === "result" ? { result: last.result } : {}),
  };
}
