import { operationOf, type JobEvent } from "@rbee/contracts";
import type { Ended, JobSpec, Phase } from "@rbee/job-core";
import { z } from "zod";
import type { Ending, Want } from "./ledger.ts";

/** What a job needs of the fleet, in the phase it is in. */
export function wantOf({ job_id, operation, input, submitted_at }: JobSpec, phase?: Phase): Want {
  const row = operationOf(operation);
  const text = (field: string) => (typeof input[field] === "string" ? input[field] : undefined);
  const model = row.executor === "worker" ? text("model") : undefined;
  const worker_id = row.executor === "worker" ? text("worker_id") : undefined;
  const runs = row.executor === "hive" ? (text("model") ?? text("id")) : undefined;
  const room =
    runs === undefined || text("hive_id") !== "auto" ? undefined : { model: runs, device: text("device") ?? "auto" };
  const model_digest = phase?.state === "queued" ? phase.model_digest : undefined;
  return {
    job_id,
    operation,
    submitted_at,
    hive_id: text("hive_id") ?? "auto",
    ...(model === undefined ? {} : { model }),
    ...(worker_id === undefined ? {} : { worker_id }),
    ...(room === undefined ? {} : { room }),
    ...(model_digest === undefined ? {} : { model_digest }),
    offline: row.offline,
  };
}

/** How a job ended, as far as the registry wants to know. */
export function endingOf({ state, finished_at, hive_id, error }: Ended, last: JobEvent | undefined): Ending {
  const speed = Speed.safeParse(last?.type === "result" ? last.result : undefined);
  return {
    state,
    finished_at,
    ...(hive_id === undefined ? {} : { hive_id }),
    ...(error === undefined ? {} : { error_code: error.code }),
    ...(speed.success ? { speed: speed.data } : {}),
  };
}

/** The part of a generation's result that tells how fast it was. */
const Speed = z
  .object({ hive_id: z.string(), worker_id: z.string(), timings: z.object({ tokens_per_s: z.number().positive() }) })
  .transform(({ hive_id, worker_id, timings }) => ({ hive_id, worker_id, tokens_per_s: timings.tokens_per_s }));
