import { limits } from "@rbee/contracts";
import type { Cancel, Clock } from "../clock.ts";
import type { Log } from "../log.ts";

/** One job's part in a flush. */
export interface Flushed {
  /** Inside the transaction: put into the journal what is new. */
  write(): void;
  /** After the transaction: it counts. */
  written(): void;
  /** Send what may go. */
  send(): void;
}

/**
 * Gathers the writes of all jobs into one transaction per tick, and sends after it: nothing leaves that is not
 * journaled. [AGENT-2] What is urgent goes with the end of the current turn, the rest a coalescing window later.
 */
export class Pump {
  readonly #batch: (work: () => void) => void;
  readonly #clock: Clock;
  readonly #log: Log;
  /** Members, with the time of their last flush. */
  readonly #members = new Map<Flushed, number>();
  readonly #waiting = new Set<Flushed>();
  readonly #urgent = new Set<Flushed>();
  #timer: Cancel | undefined;
  #soon: Cancel | undefined;
  #stopped = false;

  constructor(batch: (work: () => void) => void, context: { clock: Clock; log: Log }) {
    this.#batch = batch;
    this.#clock = context.clock;
    this.#log = context.log;
  }

  join(member: Flushed): void {
    this.#members.set(member, -Infinity);
  }

  leave(member: Flushed): void {
    this.#members.delete(member);
  }

  /**
   * How long events are gathered. A millisecond per job keeps the frames of all lanes together near 1,000 a second,
   * whether they are twenty or a hundred.
   */
  get window(): number {
    return Math.min(limits.coalesce_max_ms, Math.max(limits.coalesce_min_ms, this.#members.size));
  }

  /** The member has something new: at once after a silence, else with the next tick. [AGENT-9] */
  offer(member: Flushed): void {
    if (this.#urgent.has(member) || this.#waiting.has(member)) return;
    const silent = this.#clock.now() - (this.#members.get(member) ?? 0) >= this.window;
    if (silent) this.hurry(member);
    else this.later(member);
  }

  /** What the member has must not wait: a first token, an end. */
  hurry(member: Flushed): void {
    if (this.#stopped) return;
    this.#urgent.add(member);
    this.#soon ??= this.#clock.soon(() => {
      this.#soon = undefined;
      const urgent = [...this.#urgent];
      this.#urgent.clear();
      for (const member of urgent) this.#waiting.delete(member);
      this.#flush(urgent);
    });
  }

  later(member: Flushed): void {
    if (this.#stopped) return;
    this.#waiting.add(member);
    this.#timer ??= this.#clock.after(this.window, () => this.#tick());
  }

  /** Flushes everything, and nothing ever again: the journal is about to be closed. */
  stop(): void {
    const all = [...new Set([...this.#urgent, ...this.#waiting])];
    this.#timer?.();
    this.#soon?.();
    this.#flush(all);
    this.#stopped = true;
    this.#timer?.();
  }

  #tick(): void {
    this.#timer = undefined;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    this.#flush(waiting);
  }

  #flush(members: readonly Flushed[]): void {
    try {
      this.#batch(() => {
        for (const member of members) member.write();
      });
    } catch (error) {
      this.#log.error("the journal could not be written; trying again", { error: String(error) });
      for (const member of members) this.#waiting.add(member);
      this.#timer ??= this.#clock.after(limits.journal_retry_ms, () => this.#tick());
      return;
    }
    const now = this.#clock.now();
    for (const member of members) {
      if (this.#members.has(member)) this.#members.set(member, now);
      member.written();
    }
    for (const member of members) member.send();
  }
}
