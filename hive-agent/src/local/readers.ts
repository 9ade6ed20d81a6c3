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

/** Characters of backlog per write: a long log never becomes one huge string. */
const BACKLOG_CHUNK_CHARS = 16_384;

export interface Wanted {
  readonly format: StreamFormat;
  readonly after: Position;
}

/** One client's way through a job's log. It is written no more than its window lets through. [READ-6] */
export class Reader {
  readonly #job: KeptJob;
  readonly #feed: Feed;
  readonly #format: StreamFormat;
  #sent: Position;
  /** Characters that may be on their way to the client. */
  #unconfirmed = 0;
  /** There is more in the log than fitted: it is shown nothing new until it has caught up. */
  #behind = false;

  constructor(job: KeptJob, { format, after }: Wanted, feed: Feed) {
    this.#job = job;
    this.#feed = feed;
    this.#format = format;
    this.#sent = after;
    this.#sendFromLog();
  }

  /** The client took so many characters: what did not fit before may fit now. */
  taken(chars: number): void {
    this.#unconfirmed = Math.max(0, this.#unconfirmed - chars);
    if (this.#behind) this.#sendFromLog();
  }

  /** New entries: what it has had is not shown again. [READ-1] */
  show(entries: readonly LogEntry[]): void {
    if (this.#behind) return;
    const fresh = entries.filter(({ position }) => isAfter(position, this.#sent));
    const last = fresh.at(-1);
    if (last === undefined) {
      // It asked for more than there will ever be; the end is its too. [READ-5]
      if (entries.some(({ event }) => isEndOfJob(event))) this.#end(DONE);
      return;
    }
    this.#behind = this.#unconfirmed >= limits.reader_window_chars;
    if (this.#behind) return;
    this.#write(fresh);
    this.#sent = last.position;
    if (isEndOfJob(last.event)) this.#feed.end();
  }

  /** The agent stops: the stream breaks off, and is taken up again at the next one. */
  drop(): void {
    this.#feed.end();
  }

  /** Writes what follows in the durable part of the log, as far as the window reaches. */
  #sendFromLog(): void {
    const { log } = this.#job;
    const durable = { term: log.end.term, seq: log.acked };
    let batch: LogEntry[] = [];
    let chars = 0;
    let saidEnd = false;
    this.#behind = false;
    for (const entry of log.after(this.#sent)) {
      this.#behind = this.#unconfirmed + chars >= limits.reader_window_chars;
      if (this.#behind || isAfter(entry.position, durable)) break;
      batch.push(entry);
      chars += lengthOf(entry);
      this.#sent = entry.position;
      saidEnd = isEndOfJob(entry.event);
      if (chars < BACKLOG_CHUNK_CHARS) continue;
      this.#write(batch);
      [batch, chars] = [[], 0];
    }
    if (batch.length > 0) this.#write(batch);
    if (this.#behind || !isEnded(this.#job.phase)) return;
    // Behind the last event there is still the end to be told. [READ-3]
    this.#end(saidEnd ? "" : DONE);
  }

  #write(entries: readonly LogEntry[]): void {
    const text = encodeEntries(entries, this.#format);
    this.#unconfirmed += text.length;
    this.#feed.write(text);
  }

  #end(last: string): void {
    if (last !== "") this.#feed.write(last);
    this.#feed.end();
  }
}

/** A token is a few characters and its frame; anything else is as long as its JSON. */
const FRAME_CHARS = 40;
const lengthOf = ({ event }: LogEntry): number =>
  FRAME_CHARS + (event.type === "token" ? event.text.length : JSON.stringify(event).length);

/** Everyone who reads one job that is not over yet. */
export class Readers {
  readonly #readers = new Set<Reader>();

  /** @throws RbeeError queue_full */
  add(reader: () => Reader): Reader {
    if (this.#readers.size >= limits.readers_per_job_max)
      throw new RbeeError("queue_full", "too many readers of this job");
    const added = reader();
    this.#readers.add(added);
    return added;
  }

  left(reader: Reader): void {
    this.#readers.delete(reader);
  }

  show(entries: readonly LogEntry[]): void {
    for (const reader of this.#readers) reader.show(entries);
  }

  drop(): void {
    for (const reader of this.#readers) reader.drop();
    this.#readers.clear();
  }
}
