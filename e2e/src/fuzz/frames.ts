import fc from "fast-check";
import { frames } from "./arbitraries.ts";

/** Frames of the link, both ways: whole ones, as food for mutation. Most name jobs and terms that are not there. */

const jobId = fc
  .array(fc.constantFrom(...Array.from("abcdefghijklmnopqrstuvwxyz234567")), { minLength: 26, maxLength: 26 })
  .map((letters) => `job_${letters.join("")}`);
const term = fc.oneof(fc.nat(9), fc.nat());
const seq = fc.oneof(fc.nat(20), fc.nat());
const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });

const problem = fc.record({
  type: fc.constant("urn:x"),
  title: text,
  status: fc.integer({ min: 400, max: 599 }),
  code: fc.constantFrom("worker_died", "draining", "internal", "cancelled"),
  detail: text,
  hint: text,
  retryable: fc.boolean(),
});
const outcome = fc.oneof(
  fc.record({ status: fc.constant("succeeded"), result: fc.dictionary(text, fc.jsonValue()) }),
  fc.record({ status: fc.constantFrom("failed", "refused"), error: problem }),
  fc.record({ status: fc.constant("cancelled") }),
);
const event = fc.oneof(
  text,
  fc.record({
    type: fc.constant("narration"),
    actor: text,
    action: text,
    level: fc.constantFrom("info", "warn", "error"),
    human: text,
  }),
  fc.record({ type: fc.constant("progress"), done: fc.nat(100), unit: fc.constantFrom("bytes", "percent") }),
);
/** `end` is rare: a whole one ends the job, which then has to be made anew. */
const laneUp = fc.oneof(
  { weight: 2, arbitrary: fc.record({ t: fc.constant("lane_hello"), last: seq }) },
  {
    weight: 8,
    arbitrary: fc.record({
      t: fc.constant("ev"),
      first: seq.map((n) => n + 1),
      items: fc.array(event, { minLength: 1, maxLength: 5 }),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ t: "flush" }) },
  { weight: 1, arbitrary: fc.record({ t: fc.constant("end"), final: seq, outcome }) },
);

const inventory = fc.record({
  version: text,
  platform: text,
  devices: fc.constant([]),
  models: fc.array(
    fc.record({
      id: fc.constant("fuzz"),
      name: text,
      size_bytes: fc.nat(),
      status: fc.constant("ready"),
      loaded: fc.boolean(),
    }),
    { maxLength: 3 },
  ),
  workers: fc.constant([]),
  slots_default: fc.integer({ min: 1, max: 64 }),
});
const controlUp = fc.oneof(
  fc.record({
    t: fc.constant("hello"),
    version: fc.integer({ min: 1, max: 3 }),
    instance_id: fc.constant("instance-fuzz"),
    inventory,
    jobs: fc.array(fc.record({ job_id: jobId, term }), { maxLength: 3 }),
  }),
  fc.record({ t: fc.constant("inventory"), inventory }),
  fc.record({
    t: fc.constant("prelude"),
    job_id: jobId,
    term,
    frames: fc.array(laneUp, { minLength: 1, maxLength: 4 }),
  }),
  fc.constant({ t: "drain" }),
);

const laneDown = fc.oneof(
  fc.record({ t: fc.constantFrom("ready", "ack"), acked: seq }),
  fc.record({ t: fc.constantFrom("end_ack", "cancel") }),
);
const controlDown = fc.oneof(
  fc.record({ t: fc.constant("welcome"), session: fc.nat() }),
  fc.record({
    t: fc.constant("op"),
    job_id: jobId,
    term,
    operation: fc.constantFrom("infer", "model_list", "worker_spawn", "hive_status", "explode"),
    input: fc.dictionary(text, fc.jsonValue()),
    lane_token: text,
  }),
  fc.record({ t: fc.constant("cancel"), job_id: jobId, term }),
  fc.record({ t: fc.constant("prelude_answer"), job_id: jobId, term, frames: fc.array(laneDown, { maxLength: 3 }) }),
);

export const controlFrames = frames(controlUp);
export const laneFrames = frames(fc.oneof(laneUp, fc.array(laneUp, { minLength: 1, maxLength: 4 })));
/** What a queen might say to an agent, on either line. */
export const controlAnswers = frames(controlDown);
export const laneAnswers = frames(fc.oneof(laneDown, fc.array(laneDown, { minLength: 1, maxLength: 4 })));
