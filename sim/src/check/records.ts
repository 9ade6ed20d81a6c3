import { unpack, type JobEvent, type PackedEvent } from "@rbee/contracts";
import type { Position } from "@rbee/job-core";
import type { ServerSocket } from "../platform/socket.ts";
import type { MemorySql } from "../sql/memory-sql.ts";

/** What the checks read of a job's phase, as it is stored. */
export interface StoredPhase {
  readonly state: string;
  readonly term: number;
  readonly dispatches: number;
  readonly hive_id?: string;
  readonly reason?: string;
  readonly position?: number;
  readonly cancel_until?: number;
  readonly finished_at?: number;
  readonly error?: { readonly code: string; readonly detail: string };
}

const PARSED_MAX = 5_000;
const parsed = new Map<string, unknown>();

/** What is stored is looked at far more often than it changes. Only to be read. */
export function parsedOnce(text: string): unknown {
  let value = parsed.get(text);
  if (value === undefined) {
    value = JSON.parse(text) as unknown;
    if (parsed.size >= PARSED_MAX) parsed.clear();
    parsed.set(text, value);
  }
  return value;
}

let newestText = "";
let newestPhase: StoredPhase | undefined;

/** All checks look at the same phase one after the other. */
export function phaseOf(text: string): StoredPhase {
  if (newestPhase === undefined || text !== newestText) {
    newestPhase = parsedOnce(text) as StoredPhase;
    newestText = text;
  }
  return newestPhase;
}

export interface Entry {
  readonly position: Position;
  readonly event: JobEvent;
}

/** The stored log, entry by entry. */
export const entriesOf = (db: MemorySql): Entry[] =>
  db.peek("log").flatMap((row) =>
    (parsedOnce(row["body"] as string) as PackedEvent[]).map((item, i) => ({
      position: { term: row["term"] as number, seq: (row["first"] as number) + i },
      event: unpack(item),
    })),
  );

/** Number of the last stored event of a term. */
export function coverage(db: MemorySql, term: number): number {
  let last = 0;
  for (const row of db.peek("log"))
    if (row["term"] === term) last = (row["first"] as number) + (row["count"] as number) - 1;
  return last;
}

/** One thing the queen has said to a hive about what she holds of a term. */
export interface Said {
  /** Absent: the job whose object said it. */
  readonly job_id: string | undefined;
  readonly term: number;
  readonly acked: number;
  readonly ended: boolean;
}

/** Acknowledgements in a message to a hive, on a lane or as the answer to a prelude. */
export function ackedIn(ws: ServerSocket, text: string): Said[] {
  const ended = text.includes('"end_ack"');
  if (!ended && !text.includes(ACKED)) return [];
  const answer = /"job_id":"(\w+)","term":(\d+)/.exec(text);
  const { lane } = (ws.deserializeAttachment() ?? {}) as { lane?: number };
  const term = lane ?? Number(answer?.[2] ?? 0);
  // What is acknowledged only grows: the last word is the strongest.
  return [{ job_id: lane === undefined ? answer?.[1] : undefined, term, acked: highestAcked(text), ended }];
}

const ACKED = '"acked":';

/** The highest number that a message acknowledges; 0 without one. */
export function highestAcked(text: string): number {
  let highest = 0;
  for (let at = text.indexOf(ACKED); at >= 0; at = text.indexOf(ACKED, at + 1))
    highest = Math.max(highest, Number.parseInt(text.slice(at + ACKED.length), 10));
  return highest;
}
