import { limits, type LaneUp, type Op, type Outcome, type PackedEvent } from "@rbee/contracts";
import type { Chunk, ChunkHead, Journal, JournaledJob } from "./journal.ts";

/** A chunk that was journaled and not yet acknowledged. The body is only kept until it was sent. */
interface Kept extends ChunkHead {
  body: string | undefined;
}

const lastOf = (chunk: { first: number; count: number }): number => chunk.first + chunk.count - 1;

/** Events that are being gathered into one chunk. */
class Gathering {
  readonly items: string[] = [];
  bytes = 0;
  tokens = 0;
}

/**
 * One term of one job on its way to the queen: events come in, are journaled in chunks, and leave as frames in order,
 * from wherever the queen says. Decides everything and does no I/O but the journal's; frames are pulled with `next`.
 */
export class Outbox {
  readonly op: Op;
  readonly #journal: Journal;
  readonly #id: number;

  /** Not yet journaled. The last one is open. */
  #gathering: Gathering[] = [];
  #gatheredEvents = 0;
  #gatheredBytes = 0;
  #pendingOutcome: Outcome | undefined;
  /** Handed to the journal in the transaction that runs. */
  #writing: (Chunk & ChunkHead)[] = [];

  /** Journaled and not acknowledged, in order. */
  readonly #kept: Kept[];
  #keptBytes: number;
  #last: number;
  #tokens: number;
  #outcome: Outcome | undefined;
  /** Journal rows up to here are of no more use. */
  #trim: number;
  #trimmed: number;
  #removal: "no" | "due" | "done" = "no";

  /** Bytes of bodies in memory. */
  #cached = 0;
  /** Whether there is a line to send on. Index in #kept of the next chunk to send. */
  #ready = false;
  #next = 0;
  #flying = { events: 0, bytes: 0 };
  #endSent = false;
  /** The last event when the line began: nothing later can have come to the queen before. */
  #begunAt = 0;
  #room: (() => void) | undefined;

  constructor(journal: Journal, job: JournaledJob) {
    this.#journal = journal;
    this.op = job.op;
    this.#id = job.id;
    this.#kept = job.chunks.map((chunk) => ({ ...chunk, body: undefined }));
    this.#keptBytes = job.chunks.reduce((sum, chunk) => sum + chunk.bytes, 0);
    const newest = job.chunks.at(-1);
    this.#last = newest === undefined ? job.acked : lastOf(newest);
    this.#trim = this.#trimmed = job.acked;
    this.#tokens = job.tokens;
    this.#outcome = job.outcome;
  }

  /** Number of the last journaled event. */
  get last(): number {
    return this.#last;
  }

  /** Token events journaled in this term. */
  get tokens(): number {
    return this.#tokens;
  }

  /** Whether the term has an outcome, journaled or about to be. Nothing can be added to it any more. */
  get finished(): boolean {
    return this.#outcome !== undefined || this.#pendingOutcome !== undefined || this.#removal !== "no";
  }

  /** Something is out that the queen has not acknowledged. */
  get waiting(): boolean {
    return this.#ready && (this.#flying.events > 0 || this.#endSent);
  }

  /** There is more to send than the window lets through: only an acknowledgement helps. */
  get stuck(): boolean {
    return this.#ready && this.#next < this.#kept.length;
  }

  /** Something was added that the queen has not acknowledged. */
  get unacked(): boolean {
    return this.#gatheredEvents > 0 || this.#kept.length > 0;
  }

  get endSent(): boolean {
    return this.#endSent;
  }

  /** Whether there is a line to send on. */
  get isReady(): boolean {
    return this.#ready;
  }

  /** Takes one event; it goes to the journal with the next `write`. */
  add(item: PackedEvent): void {
    if (this.finished) return;
    const text = JSON.stringify(item);
    let open = this.#gathering.at(-1);
    if (
      open === undefined ||
      open.items.length === limits.frame_events_max ||
      open.bytes + text.length > limits.commit_bytes
    ) {
      open = new Gathering();
      this.#gathering.push(open);
    }
    open.items.push(text);
    open.bytes += text.length + 1;
    if (typeof item === "string" || item.type === "token") open.tokens += 1;
    this.#gatheredEvents += 1;
    this.#gatheredBytes += text.length + 1;
  }

  /** The term is over; the first outcome counts. It is journaled with the events before it. [AGENT-5] */
  finish(outcome: Outcome): void {
    if (!this.finished) this.#pendingOutcome = outcome;
  }

  /** Nothing of this term is wanted any more: it goes out of the journal with the next `write`. */
  forget(): void {
    if (this.#removal === "no") this.#removal = "due";
    this.#gathering = [];
    this.#pendingOutcome = undefined;
    this.#ready = false;
    this.#makeRoom();
  }

  /** Too much is waiting, for the journal or for the queen: whoever adds has to wait for `room`. [AGENT-8] */
  get full(): boolean {
    if (this.finished) return false;
    return (
      this.#gatheredEvents >= limits.lane_window_events ||
      this.#keptBytes + this.#gatheredBytes >= limits.journal_bytes_per_job_max
    );
  }

  /** Resolves when there is room again. For the one who adds. */
  async room(): Promise<void> {
    if (this.full) await new Promise<void>((resolve) => (this.#room = resolve));
  }

  /** Writes to the journal what is new. Called in its transaction; `written` follows when that was committed. [AGENT-2] */
  write(): void {
    if (this.#removal !== "no") return this.#removal === "due" ? this.#journal.remove(this.#id) : undefined;
    this.#writing = this.#chunks();
    for (const chunk of this.#writing) this.#journal.append(this.#id, chunk);
    if (this.#pendingOutcome !== undefined) this.#journal.end(this.#id, this.#pendingOutcome);
    if (this.#trim > this.#trimmed) this.#journal.trim(this.#id, this.#trim);
  }

  /** @returns whether the end was among it */
  written(): boolean {
    if (this.#removal !== "no") {
      this.#removal = "done";
      return false;
    }
    for (const { body, ...head } of this.#writing) {
      const cache = this.#cached + head.bytes <= limits.lane_window_bytes;
      if (cache) this.#cached += head.bytes;
      this.#kept.push({ ...head, body: cache ? body : undefined });
      this.#keptBytes += head.bytes;
      this.#last = lastOf(head);
      this.#tokens += head.tokens;
    }
    this.#gathering = this.#writing = [];
    this.#gatheredEvents = this.#gatheredBytes = 0;
    const ended = this.#pendingOutcome !== undefined;
    this.#outcome ??= this.#pendingOutcome;
    this.#pendingOutcome = undefined;
    this.#trimmed = this.#trim;
    this.#makeRoom();
    return ended;
  }

  /**
   * The queen says where to go on: go back to there. [AGENT-6]
   * False when she has events that this journal has not: they cannot be continued, only an end can still be said.
   */
  ready(acked: number): boolean {
    this.#restart();
    return this.confirm(acked);
  }

  /**
   * A line is up: begin behind what the queen is known to have, without waiting for her to say so. What she has beyond
   * that she drops by its number.
   */
  begin(): void {
    this.#restart();
  }

  /** Her answer to the hello of this line. Nothing goes back: what was sent meanwhile is on its way. Returns as `ready`. */
  confirm(acked: number): boolean {
    this.ack(acked);
    return acked <= this.#begunAt;
  }

  /** The line is gone. */
  unready(): void {
    this.#ready = false;
  }

  /** Everything up to `acked` is durable at the queen. */
  ack(acked: number): void {
    let gone = 0;
    for (const chunk of this.#kept) {
      if (lastOf(chunk) > acked) break;
      this.#keptBytes -= chunk.bytes;
      this.#uncache(chunk);
      if (gone < this.#next) this.#fly(chunk, -1);
      gone += 1;
      this.#trim = lastOf(chunk);
    }
    this.#kept.splice(0, gone);
    this.#next = Math.max(0, this.#next - gone);
    this.#makeRoom();
  }

  /** The next frame, if one may go now. Known events at the start of a chunk are the queen's to drop. [AGENT-7] */
  next(): string | undefined {
    if (!this.#ready) return undefined;
    const chunk = this.#kept[this.#next];
    if (chunk === undefined) return this.#endFrame();
    if (!this.#fits(chunk)) return undefined;
    const body = chunk.body ?? this.#journal.body(this.#id, chunk.first);
    this.#uncache(chunk);
    this.#next += 1;
    this.#fly(chunk, 1);
    // Spliced, not encoded again: this is the hot path of every token.
    return `{"t":"ev","first":${chunk.first},"items":${body}}`;
  }

  #restart(): void {
    this.#ready = true;
    this.#begunAt = this.#last;
    this.#endSent = false;
    this.#next = 0;
    this.#flying = { events: 0, bytes: 0 };
  }

  #endFrame(): string | undefined {
    if (this.#outcome === undefined || this.#endSent) return undefined;
    this.#endSent = true;
    return JSON.stringify({ t: "end", final: this.#last, outcome: this.#outcome } satisfies LaneUp);
  }

  /** One chunk may always be out, whatever its size. */
  #fits(chunk: Kept): boolean {
    if (this.#flying.events === 0) return true;
    const { events, bytes } = this.#flying;
    return events + chunk.count <= limits.lane_window_events && bytes + chunk.bytes <= limits.lane_window_bytes;
  }

  #fly(chunk: Kept, sign: 1 | -1): void {
    this.#flying.events += sign * chunk.count;
    this.#flying.bytes += sign * chunk.bytes;
  }

  #uncache(chunk: Kept): void {
    if (chunk.body === undefined) return;
    chunk.body = undefined;
    this.#cached -= chunk.bytes;
  }

  #chunks(): (Chunk & ChunkHead)[] {
    let next = this.#last + 1;
    return this.#gathering.map(({ items, tokens }) => {
      const body = `[${items.join(",")}]`;
      const first = next;
      next += items.length;
      return { first, count: items.length, tokens, body, bytes: body.length };
    });
  }

  #makeRoom(): void {
    if (this.full) return;
    this.#room?.();
    this.#room = undefined;
  }
}
