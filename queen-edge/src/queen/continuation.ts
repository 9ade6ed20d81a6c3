import { limits, operationOf, utf8Length, type Op, type Problem } from "@rbee/contracts";
import type { EventLog, Placed } from "@rbee/job-core";
import type { JobSpec } from "./job-record.ts";

/** Room for the parts of an operation's frame that are neither input nor tokens. */
const ENVELOPE_BYTES = 4_096;

/** Whether whoever asked wants a lost hive's answer to be continued by another. */
export const mayContinue = (spec: JobSpec): boolean => spec.input["on_lost"] === "continue";

/** The hive is there, but what generated is not: for an answer that may be continued the same as a lost hive. */
export const isLoss = (spec: JobSpec, { code }: Problem): boolean =>
  mayContinue(spec) && (code === "worker_died" || code === "hive_lost");

/**
 * What the next hive must go on with, when tokens were shown and may be continued. `undefined` when it cannot: the model
 * is not known, or the operation with all that was shown does not fit into one frame.
 */
export function continuable(spec: JobSpec, phase: Placed, tokens: readonly string[]): string | undefined {
  if (tokens.length === 0 || !mayContinue(spec)) return undefined;
  const bytes = utf8Length(JSON.stringify([spec.input, tokens])) + ENVELOPE_BYTES;
  return bytes <= limits.frame_bytes_max ? phase.model_digest : undefined;
}

/** The operation as the hive of a term gets it, less what is only for the queen. */
export function opOf(spec: JobSpec, phase: Placed, rest: { log: EventLog; lane_token: string }): Op {
  const { job_id, operation } = spec;
  const { queen_only = [] } = operationOf(operation);
  const input = Object.fromEntries(Object.entries(spec.input).filter(([field]) => !queen_only.includes(field)));
  const tokens = phase.dispatches > 1 && mayContinue(spec) ? rest.log.tokens() : [];
  return {
    t: "op",
    job_id,
    term: phase.term,
    operation,
    input,
    ...(phase.worker_id === undefined ? {} : { worker_id: phase.worker_id }),
    ...(tokens.length === 0 ? {} : { resume: { tokens } }),
    lane_token: rest.lane_token,
  };
}
