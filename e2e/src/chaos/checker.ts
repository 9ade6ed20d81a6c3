import type { JobEvent } from "@rbee/contracts";
import type { JobRecord, ReaderView, Seen } from "./ledger.ts";
import { isAfter, numbersOf } from "./reader.ts";

/** Failures that what happened explains. Any other failure explains itself to nobody. */
const EXCUSED: Readonly<Record<string, readonly string[]>> = {
  worker_killed: ["worker_died", "hive_lost", "worker_not_found", "model_load_failed", "attempts_exhausted"],
  // Found within 25 s of the 30 s that a lease lasts: whatever else happens meanwhile may be too much.
  path_dead: ["hive_lost"],
  hive_gone: ["hive_lost", "hive_offline", "attempts_exhausted"],
};

/** What is wrong with a job, in words; nothing if it kept every promise. Pure: decides from what was written down. */
export function judge(job: JobRecord): string[] {
  const events = job.log.map(({ data }) => JSON.parse(data) as JobEvent);
  const wrong = [...orderOf(job.log), ...endingOf(job, events), ...textOf(job, events)];
  for (const reader of job.readers) wrong.push(...viewOf(reader, job).map((what) => `reader ${reader.name}: ${what}`));
  return wrong.map((what) => `${job.job_id} (${job.operation}): ${what}`);
}

/** No gap, no repeat: within a term the numbers are 1, 2, 3…, and terms only grow. */
function orderOf(log: readonly Seen[]): string[] {
  const wrong: string[] = [];
  let [term, seq] = [-1, 0];
  for (const { position } of log) {
    const [nextTerm = 0, nextSeq = 0] = numbersOf(position);
    const expected = nextTerm === term ? seq + 1 : 1;
    if (nextTerm < term || nextSeq !== expected) wrong.push(`${position} follows ${term}.${seq}`);
    [term, seq] = [nextTerm, nextSeq];
  }
  return wrong;
}

const isEnd = (event: JobEvent): boolean =>
  event.type === "result" || event.type === "error" || (event.type === "state" && event.state === "cancelled");

/** One ending, the last event, the one that the job's state tells of, and with a cause if it is a failure. */
function endingOf(job: JobRecord, events: readonly JobEvent[]): string[] {
  const wrong: string[] = [];
  const ends = events.filter(isEnd);
  const last = events.at(-1);
  if (ends.length !== 1) wrong.push(`${ends.length} endings`);
  if (last === undefined || !isEnd(last)) return [...wrong, "the last event is no ending"];
  const told = { result: "succeeded", error: "failed", state: "cancelled" }[last.type as "result" | "error" | "state"];
  if (told !== job.state) wrong.push(`it ended as ${told}, but says it is ${job.state}`);
  if (told === "cancelled" && !job.cancelled) wrong.push("nobody cancelled it");
  if (last.type === "error" && !isExcused(job, last.code))
    wrong.push(`it failed without a cause: ${last.code} ${last.detail}`);
  return wrong;
}

/** What only a hive itself can answer fails while it, or its way to the queen, is away. */
function isExcused({ excuses, operation }: JobRecord, code: string): boolean {
  if (operation !== "infer" && (code === "hive_offline" || code === "unavailable")) return true;
  return [...excuses].some((excuse) => EXCUSED[excuse]?.includes(code));
}

/** The text is the expected one; as far as it goes, if the job did not succeed. */
function textOf({ expected, state }: JobRecord, events: readonly JobEvent[]): string[] {
  if (expected === undefined) return [];
  const text = events.map((event) => (event.type === "token" ? event.text : "")).join("");
  const result = events.at(-1);
  const wrong: string[] = [];
  if (state === "succeeded" ? text !== expected : !expected.startsWith(text))
    wrong.push(`the text is not what it should be, from character ${firstDifference(text, expected)}`);
  if (result?.type === "result" && result.result["text"] !== text) wrong.push("the result's text is not the stream's");
  return wrong;
}

function firstDifference(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at;
}

/** What a reader saw is the log, as far as it read. */
function viewOf({ seen, whole, complaints }: ReaderView, job: JobRecord): string[] {
  const wrong = [...complaints];
  const log = new Map(job.log.map(({ position, data }) => [position, data]));
  for (const [i, { position, data }] of seen.entries()) {
    const before = seen[i - 1]?.position;
    if (before !== undefined && !isAfter(position, before)) wrong.push(`${position} after ${before}`);
    const logged = log.get(position);
    if (logged === undefined && !wasLost(position, job)) wrong.push(`it saw ${position}, which is not in the log`);
    else if (logged !== undefined && logged !== data) wrong.push(`it saw something else at ${position}`);
  }
  const last = seen.at(-1)?.position;
  const should = whole ? job.log : job.log.filter(({ position }) => last !== undefined && !isAfter(position, last));
  const had = new Set(seen.map(({ position }) => position));
  const missed = should.filter(({ position }) => !had.has(position));
  if (missed.length > 0) wrong.push(`it missed ${missed.length} events, the first ${missed[0]?.position}`);
  return wrong;
}

/**
 * Shown live and then lost with the queen's memory, before its hive was lost too: such a job cannot succeed, and the next
 * event is of a later term.
 */
function wasLost(position: string, { log, state }: JobRecord): boolean {
  const [term = 0] = numbersOf(position);
  return state !== "succeeded" && log.some((entry) => (numbersOf(entry.position)[0] ?? 0) > term);
}
