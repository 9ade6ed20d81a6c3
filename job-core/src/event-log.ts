import { pack, unpack, type JobEvent, type PackedEvent } from "@rbee/contracts";
import { OwnLogRows, type LogRows } from "./log-rows.ts";
import { isAfter, origin, type Position } from "./position.ts";
import type { Sql } from "./sql.ts";

export interface LogEntry {
  readonly position: Position;
  readonly event: JobEvent;
}

/** What became of offered events: `fresh` are new, in order; `gap` means that some before them are missing. */
export type Offer = { readonly kind: "fresh"; readonly entries: readonly LogEntry[] } | { readonly kind: "gap" };

/**
 * One job's events, durable in chunks. Between commits the newest events are a tail in memory: nobody was told that
 * they are kept (no ack), so losing them with the memory loses nothing, their writer sends them again.
 */
export class EventLog {
  readonly #rows: LogRows;
  #term = 0;
  /** Last durable event number of the term. */
  #durable = 0;
  #tail: PackedEvent[] = [];
  #tailBytes = 0;

  /** The log that these rows hold. */
  constructor(rows: LogRows) {
    this.#rows = rows;
    const last = rows.last();
    if (last === undefined) return;
    this.#term = last.term;
    this.#durable = last.first + last.count - 1;
  }

  /** A new log, on a database that has none. */
  static create(sql: Sql): EventLog {
    return new EventLog(OwnLogRows.create(sql));
  }

  /** The log that `create` began. */
  static open(sql: Sql): EventLog {
    return new EventLog(new OwnLogRows(sql));
  }

  /** Number of the last durable event of the term: what may be acknowledged. [LOG-3] */
  get acked(): number {
    return this.#durable;
  }

  /** Number of the last event of the term, the tail included. */
  get last(): number {
    return this.#durable + this.#tail.length;
  }

  get tailEvents(): number {
    return this.#tail.length;
  }

  get tailBytes(): number {
    return this.#tailBytes;
  }

  /** A new writer takes over: what the old one had not committed is forgotten. [LOG-4] */
  begin(term: number): void {
    if (term < this.#term) throw new Error(`term ${term} is over, the log is at ${this.#term}`);
    if (term === this.#term) return;
    this.#term = term;
    this.#durable = 0;
    this.#clearTail();
  }

  /** Takes events `first`, `first` + 1, …: known ones are dropped [LOG-1], a gap takes none [LOG-2]. */
  offer(first: number, items: readonly PackedEvent[]): Offer {
    if (first > this.last + 1) return { kind: "gap" };
    const fresh = items.slice(this.last + 1 - first);
    const start = this.last + 1;
    for (const item of fresh) {
      this.#tail.push(item);
      this.#tailBytes += typeof item === "string" ? item.length + 3 : JSON.stringify(item).length;
    }
    return { kind: "fresh", entries: fresh.map((item, i) => this.#entry(this.#term, start + i, item)) };
  }

  /** Appends the writer's own events and gives them back with their positions. Not yet durable. */
  append(events: readonly JobEvent[]): readonly LogEntry[] {
    const offered = this.offer(this.last + 1, events.map(pack));
    return offered.kind === "fresh" ? offered.entries : [];
  }

  /** Makes the tail durable as one row. */
  commit(): void {
    if (this.#tail.length === 0) return;
    this.#rows.append({
      term: this.#term,
      first: this.#durable + 1,
      count: this.#tail.length,
      body: JSON.stringify(this.#tail),
    });
    this.#durable += this.#tail.length;
    this.#clearTail();
  }

  /**
   * Every event after a position, durable or not, in order. Read in pages as it is taken: who takes a little of a long log
   * costs a little. Nothing may be written meanwhile.
   */
  *after(position: Position): Generator<LogEntry, void> {
    for (const row of this.#rows.behind(position)) {
      const items = JSON.parse(row.body) as PackedEvent[];
      for (const [i, item] of items.entries()) {
        const entry = this.#entry(row.term, row.first + i, item);
        if (isAfter(entry.position, position)) yield entry;
      }
    }
    for (const [i, item] of this.#tail.entries()) {
      const entry = this.#entry(this.#term, this.#durable + 1 + i, item);
      if (isAfter(entry.position, position)) yield entry;
    }
  }

  /** All generated text, a string per token event. Reads the whole log: ask only when a hive was lost. */
  tokens(): string[] {
    const texts: string[] = [];
    for (const { event } of this.after(origin)) if (event.type === "token") texts.push(event.text);
    return texts;
  }

  /** The newest durable event. */
  newest(): JobEvent | undefined {
    const row = this.#rows.last();
    const item = row === undefined ? undefined : (JSON.parse(row.body) as PackedEvent[]).at(-1);
    return item === undefined ? undefined : unpack(item);
  }

  /** Position of the newest event, the tail included. */
  get end(): Position {
    return { term: this.#term, seq: this.last };
  }

  #entry(term: number, seq: number, item: PackedEvent): LogEntry {
    return { position: { term, seq }, event: unpack(item) };
  }

  #clearTail(): void {
    this.#tail = [];
    this.#tailBytes = 0;
  }
}
