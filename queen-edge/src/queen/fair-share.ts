import { limits, type Priority } from "@rbee/contracts";

/** Whose turn it is: an API key within a priority. */
export interface Party {
  readonly priority: Priority;
  readonly key_id: string;
}

export const nameOf = ({ priority, key_id }: Party): string => `${priority} ${key_id}`;

/** A job's slot time until jobs have told theirs. */
const FIRST_GUESS_MS = 1_000;
/** How much the newest job counts in the mean. */
const NEWEST = 1 / 16;

/**
 * Start-time fair queueing over API keys, in milliseconds of slot time: who has had the least is next. A job is charged the
 * mean when it gets its place, and what it really took when it is over. Kept in memory: after a restart all begin level.
 */
export class FairShare {
  readonly #served = new Map<string, number>();
  /** Start tag of the job that began last, for each priority. */
  readonly #clock = new Map<Priority, number>();
  readonly #charged = new Map<string, number>();
  #mean = FIRST_GUESS_MS;

  /** What one more job is reckoned at: the steps between the tags of a key's jobs. */
  get step(): number {
    return Math.max(1, Math.round(this.#mean));
  }

  /** Start tag of a party's next job. One that waited for what was not there catches up on so much and no more. */
  tagOf(party: Party): number {
    const credit = limits.fair_credit_jobs * this.step;
    return Math.max(this.#served.get(nameOf(party)) ?? 0, this.#clockOf(party.priority) - credit);
  }

  /** A party that had nothing in the queue begins level with the least served of those that have. */
  arrives(party: Party, waiting: Iterable<Party>): void {
    let level = Number.POSITIVE_INFINITY;
    for (const other of waiting) if (other.priority === party.priority) level = Math.min(level, this.tagOf(other));
    if (level === Number.POSITIVE_INFINITY) level = this.#clockOf(party.priority);
    this.#served.set(nameOf(party), Math.max(this.tagOf(party), level));
    this.#prune();
  }

  began(job_id: string, party: Party): void {
    const start = this.tagOf(party);
    const charge = this.step;
    this.#clock.set(party.priority, Math.max(this.#clockOf(party.priority), start));
    this.#served.set(nameOf(party), start + charge);
    this.#charged.set(job_id, charge);
  }

  /** @param slot_ms how long it held its slot */
  ended(job_id: string, party: Party, slot_ms: number): void {
    const charge = this.#charged.get(job_id);
    if (charge === undefined) return;
    this.#charged.delete(job_id);
    this.#served.set(nameOf(party), (this.#served.get(nameOf(party)) ?? 0) + slot_ms - charge);
    this.#mean += (slot_ms - this.#mean) * NEWEST;
  }

  #clockOf(priority: Priority): number {
    return this.#clock.get(priority) ?? 0;
  }

  /** Whoever has had less than the one that began last is as good as new. */
  #prune(): void {
    if (this.#served.size <= 2 * limits.fair_keys_idle_max) return;
    for (const [name, served] of this.#served) {
      const [priority] = name.split(" ");
      if (served <= this.#clockOf(priority as Priority)) this.#served.delete(name);
    }
  }
}
