import type { EventLog, LogEntry } from "./event-log.ts";
import { isAfter, type Position } from "./position.ts";
import { DONE, encodeEntries, isEndOfJob, type StreamFormat } from "./sse.ts";

/** A reader's way through a job's log. It is sent no more than its window lets through. [READ-6] */
export interface Reading {
  readonly format: StreamFormat;
  readonly sent: Position;
  /** Characters that may be on their way to its client; what is confirmed is not any more. */
  readonly window: number;
  readonly unconfirmed: number;
  /** There is more in the log than fitted: it is shown nothing new until it has caught up. */
  readonly behind: boolean;
}

/** Where it is now, and whether it has been told the end. */
export interface Progress<R extends Reading> {
  readonly reading: R;
  readonly done: boolean;
}

type Write = (text: string) => void;
type Encode = (entries: readonly LogEntry[], format: StreamFormat) => string;

/** Characters of backlog per write: a long log never becomes one huge string. */
const BACKLOG_CHUNK_CHARS = 16_384;

/** Writes what follows in the log, as far as the window reaches. @param job `durable`: no further than to there */
export function readOn<R extends Reading>(
  reading: R,
  job: { readonly log: Pick<EventLog, "after">; readonly ended: boolean; readonly durable?: Position },
  write: Write,
): Progress<R> {
  let { sent, unconfirmed } = reading;
  let text = "";
  let told = "";
  const flush = () => {
    if (text !== "") write(text);
    unconfirmed += text.length;
    [told, text] = [text, ""];
  };
  let behind = false;
  for (const entry of job.log.after(sent)) {
    behind = unconfirmed + text.length >= reading.window;
    if (behind || (job.durable !== undefined && isAfter(entry.position, job.durable))) break;
    text += encodeEntries([entry], reading.format);
    sent = entry.position;
    if (text.length >= BACKLOG_CHUNK_CHARS) flush();
  }
  if (text !== "") flush();
  const done = !behind && job.ended;
  // Behind the last event there is still the end to be told. [READ-3]
  if (done && !told.endsWith(DONE)) write(DONE);
  return { reading: { ...reading, sent, unconfirmed, behind }, done };
}

/** Writes new entries that it has not had: what is sent again is not shown again. [READ-1] */
export function showNew<R extends Reading>(
  reading: R,
  entries: readonly LogEntry[],
  { write, encode = encodeEntries }: { write: Write; encode?: Encode },
): Progress<R> {
  const { format, sent, window, unconfirmed, behind } = reading;
  const last = entries.at(-1);
  if (last === undefined || behind) return { reading, done: false };
  if (!isAfter(last.position, sent)) {
    // It asked for more than there will ever be; the end is its too. [READ-5]
    const done = isEndOfJob(last.event);
    if (done) write(DONE);
    return { reading, done };
  }
  if (unconfirmed >= window) return { reading: { ...reading, behind: true }, done: false };
  const fresh = entries.filter((entry) => isAfter(entry.position, sent));
  const text = encode(fresh, format);
  write(text);
  const shown = { ...reading, sent: last.position, unconfirmed: unconfirmed + text.length };
  return { reading: shown, done: text.endsWith(DONE) };
}
