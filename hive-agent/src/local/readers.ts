import { limits, RbeeError } from "@rbee/contracts";
import {
  isEnded,
  readOn,
  showNew,
  type KeptJob,
  type LogEntry,
  type Position,
  type Progress,
  type Reading,
  type StreamFormat,
} from "@rbee/job-core";
import type { Feed } from "@rbee/job-http";

export interface Wanted {
  readonly format: StreamFormat;
  readonly after: Position;
}

/** One client's way through a job's log. */
export class Reader {
  readonly #job: KeptJob;
  readonly #feed: Feed;
  #reading: Reading;

  constructor(job: KeptJob, { format, after }: Wanted, feed: Feed) {
    this.#job = job;
    this.#feed = feed;
    this.#reading = { format, sent: after, window: limits.reader_window_chars, unconfirmed: 0, behind: false };
    this.#readOn();
  }

  /** The client took so many characters: what did not fit before may fit now. */
  taken(chars: number): void {
    this.#reading = { ...this.#reading, unconfirmed: Math.max(0, this.#reading.unconfirmed - chars) };
    if (this.#reading.behind) this.#readOn();
  }

  show(entries: readonly LogEntry[]): void {
    this.#moved(showNew(this.#reading, entries, { write: (text) => this.#feed.write(text) }));
  }

  /** The agent stops: the stream breaks off, and is taken up again at the next one. */
  drop(): void {
    this.#feed.end();
  }

  /** What is not durable yet will be shown when it is. */
  #readOn(): void {
    const { log, phase } = this.#job;
    const durable = { term: log.end.term, seq: log.acked };
    this.#moved(readOn(this.#reading, { log, ended: isEnded(phase), durable }, (text) => this.#feed.write(text)));
  }

  #moved({ reading, done }: Progress<Reading>): void {
    this.#reading = reading;
    if (done) this.#feed.end();
  }
}

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
