import { limits, RbeeError } from "@rbee/contracts";
import {
  DONE,
  encodeEntries,
  isAfter,
  isEnded,
  isEndOfJob,
  type KeptJob,
  type LogEntry,
  type Position,
  type StreamFormat,
} from "@rbee/job-core";
import type { Feed } from "@rbee/job-http";

/** Entries of the backlog per write: small enough that a slow reader never makes one huge string. */
const BACKLOG_CHUNK_ENTRIES = 500;

export interface Wanted {
  readonly format: StreamFormat;
  readonly after: Position;
}

interface Reader {
  readonly feed: Feed;
  readonly format: StreamFormat;
  sent: Position;
}

/** Everyone who reads one job that is not over yet. */
export class Readers {
  readonly #readers = new Set<Reader>();

  /** Replays what is durable and follows from there. @returns what to do when the reader leaves @throws RbeeError queue_full */
  add(job: KeptJob, wanted: Wanted, feed: Feed): () => void {
    if (this.#readers.size >= limits.readers_per_job_max)
      throw new RbeeError("queue_full", "too many readers of this job");
    const sent = replay(job, wanted, feed);
    if (isEnded(job.phase)) return () => undefined;
    const reader = { feed, format: wanted.format, sent };
    this.#readers.add(reader);
    return () => this.#readers.delete(reader);
  }

  /** New entries, once to each: what a reader has had is not shown again. [READ-1] */
  show(entries: readonly LogEntry[]): void {
    const last = entries.at(-1);
    if (last === undefined) return;
    const over = isEndOfJob(last.event);
    for (const reader of this.#readers) {
      const fresh = entries.filter(({ position }) => isAfter(position, reader.sent));
      if (fresh.length > 0) {
        reader.feed.write(encodeEntries(fresh, reader.format));
        reader.sent = last.position;
      } else if (over) {
        // It asked for more than there will ever be; the end is its too. [READ-5]
        reader.feed.write(DONE);
      }
      if (over) reader.feed.end();
    }
    if (over) this.#readers.clear();
  }

  /** The agent stops: the streams break, and are taken up again at the next one. */
  drop(): void {
    for (const { feed } of this.#readers) feed.end();
    this.#readers.clear();
  }
}

/** Writes the durable part of a log. @returns how far the reader is then */
export function replay(job: KeptJob, { format, after }: Wanted, feed: Feed): Position {
  const durable = { term: job.log.end.term, seq: job.log.acked };
  let sent = after;
  let batch: LogEntry[] = [];
  const flush = () => {
    if (batch.length > 0) feed.write(encodeEntries(batch, format));
    batch = [];
  };
  for (const entry of job.log.after(after)) {
    if (isAfter(entry.position, durable)) break;
    batch.push(entry);
    sent = entry.position;
    if (batch.length >= BACKLOG_CHUNK_ENTRIES) flush();
  }
  flush();
  if (isEnded(job.phase)) {
    // Behind the last event there is still the end to be told. [READ-3]
    if (sent === after) feed.write(DONE);
    feed.end();
  }
  return sent;
}
