import { modelAbout, operationOf, priorities } from "@rbee/contracts";
import { origin, type Ended, type EventLog, type JobSpec, type Phase } from "@rbee/job-core";
import { z } from "zod";
import type { Work } from "./finished.ts";
import type { Ending } from "./ledger.ts";
import type { Want } from "./want.ts";

/** What a job needs of the fleet, in the phase it is in; its conversation's hashes come from outside. */
export function wantOf({ job_id, operation, input, submitted_at, key_id }: JobSpec, phase?: Phase): Want {
  const row = operationOf(operation);
  const text = (field: string) => (typeof input[field] === "string" ? input[field] : undefined);
  const runs = row.executor === "hive" ? (text("model") ?? text("id")) : undefined;
  const room =
    runs === undefined || text("hive_id") !== "auto" ? undefined : { model: runs, device: text("device") ?? "auto" };
  const about = row.executor === "hive" ? modelAbout(input) : undefined;
  const model_digest = phase?.state === "queued" ? phase.model_digest : undefined;
  return {
    job_id,
    operation,
    submitted_at,
    key_id,
    hive_id: text("hive_id") ?? "auto",
    ...(row.executor === "worker" ? Wishes.parse(input) : {}),
    ...(room === undefined ? {} : { room }),
    ...(about === undefined ? {} : { about }),
    ...(model_digest === undefined ? {} : { model_digest }),
    offline: row.offline,
  };
}

/** What operations that a worker executes may say about their place. */
const Wishes = z
  .object({
    model: z.string(),
    worker_id: z.string().optional(),
    priority: z.enum(priorities).optional(),
    max_wait: z.number().optional(),
    hive_labels: z.array(z.string()).optional(),
  })
  .transform(({ max_wait, hive_labels = [], worker_id, priority, model }) => ({
    model,
    ...(worker_id === undefined ? {} : { worker_id }),
    ...(priority === undefined ? {} : { priority }),
    ...(max_wait === undefined ? {} : { max_wait_ms: max_wait * 1_000 }),
    ...(hive_labels.length === 0 ? {} : { hive_labels }),
  }));

/** How a job ended, as far as the registry wants to know. Its log is read only where no result tells what was done. */
export function endingOf(log: EventLog, ended: Ended): Ending {
  const last = log.newest();
  const { state, finished_at, hive_id, error, dispatches } = ended;
  const result = last?.type === "result" ? last.result : undefined;
  const speed = result === undefined ? undefined : Speed.safeParse(result).data;
  const told = result === undefined ? undefined : Told.safeParse(result).data;
  const work: Work = { ...(told ?? (result === undefined && dispatches > 0 ? shownBy(log) : nothing)), dispatches };
  return {
    state,
    finished_at,
    ...(hive_id === undefined ? {} : { hive_id }),
    ...(error === undefined ? {} : { error_code: error.code }),
    ...(speed === undefined ? {} : { speed }),
    work,
  };
}

const nothing = { prompt_tokens: 0, cached_tokens: 0, completion_tokens: 0 } as const satisfies Work;

/** What a job has cost that was left without a result: its prompt, as the last hive that began an answer told it, and what it showed. */
function shownBy(log: EventLog): Work {
  let { prompt_tokens, cached_tokens, completion_tokens }: Work = nothing;
  for (const { event } of log.after(origin)) {
    if (event.type !== "token") continue;
    completion_tokens++;
    if (event.prompt !== undefined) ({ tokens: prompt_tokens, cached_tokens } = event.prompt);
  }
  return { prompt_tokens, cached_tokens, completion_tokens };
}

const Count = z.int().nonnegative().default(0);

/** The part of a result that tells what the engine did; operations may leave out what does not apply. */
const Told = z
  .object({
    usage: z.object({ prompt_tokens: Count, cached_tokens: Count, completion_tokens: Count }),
    model: z.string().optional(),
    worker_id: z.string().optional(),
    timings: z.object({ generation_ms: z.number().nonnegative() }).optional(),
  })
  .transform(({ usage, timings, model, worker_id }) => ({
    ...usage,
    ...(model === undefined ? {} : { model }),
    ...(worker_id === undefined ? {} : { worker_id }),
    ...(timings === undefined ? {} : { generation_ms: timings.generation_ms }),
  }));

/** The part of a generation's result that tells how fast it was. */
const Speed = z
  .object({ hive_id: z.string(), worker_id: z.string(), timings: z.object({ tokens_per_s: z.number().positive() }) })
  .transform(({ hive_id, worker_id, timings }) => ({ hive_id, worker_id, tokens_per_s: timings.tokens_per_s }));
