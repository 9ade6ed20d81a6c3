import { limits, problemOf, type KeyLimits, type Problem, type UsedKey } from "@rbee/contracts";
import { keyEnded } from "../key-sockets.ts";
import type { Accounts } from "./accounts.ts";
import type { Keys } from "./keys.ts";
import type { FinishedLine } from "./finished.ts";
import type { Ledger } from "./ledger.ts";
import { DAY_MS } from "./usage-book.ts";
import type { Want } from "./want.ts";

const MINUTE_MS = 60_000;

/** How much of something a key has left, and when it has all of it again. */
export interface Allowance {
  readonly limit: number;
  readonly remaining: number;
  readonly resets_in_s: number;
}

export interface Allowances {
  readonly requests: Allowance;
  /** Absent: as many as there are. */
  readonly tokens?: Allowance;
}

/** What is counted of a job. */
interface Submission {
  readonly key_id?: string | undefined;
  readonly model?: string | undefined;
  readonly submitted_at: number;
}

interface Books {
  readonly keys: Pick<Keys, "limitsOf" | "list">;
  readonly ledger: Pick<Ledger, "all" | "openCount" | "openOf">;
  readonly accounts: Pick<Accounts, "today">;
}

/**
 * What keys may use, and have used: jobs that are open, and of the models jobs of this minute and tokens of this day, both of
 * the clock in UTC. Nothing is counted that is not in the books: at a wake the jobs of this minute are found there. [KEY-6]
 */
export class Quotas {
  readonly #books: Books;
  #minute = 0;
  readonly #submitted = new Map<string, number>();

  /** @param finished the newest lines of the history, the newest last */
  constructor(books: Books, finished: readonly FinishedLine[]) {
    this.#books = books;
    for (const { line } of finished) this.count({ ...line, key_id: line.account?.key_id });
    for (const { want } of books.ledger.all()) this.count(want);
  }

  /** A job was taken. */
  count({ key_id = "", model, submitted_at }: Submission): void {
    const minute = Math.floor(submitted_at / MINUTE_MS);
    if (model === undefined || minute < this.#minute) return;
    if (minute > this.#minute) this.#submitted.clear();
    this.#minute = minute;
    this.#submitted.set(key_id, (this.#submitted.get(key_id) ?? 0) + 1);
  }

  /**
   * Why a job that is not in the books is not taken, if so: of several reasons the one that lasts longest. A key is asked
   * about what is new only, and its own limits are for what needs a model.
   * @param term the queen's, in which it asks
   */
  refusal({ key_id = "", model }: Want, term: number, now: number): Problem | undefined {
    const { open_jobs_max, open_jobs_per_key_max } = limits;
    const { ledger, keys } = this.#books;
    // The Worker looked at it before it read the request, which may have taken long.
    const may = term > 0 ? {} : keys.limitsOf(key_id, now);
    if (may === undefined) return worthless;
    if (ledger.openCount >= open_jobs_max) return problemOf("queue_full", `${open_jobs_max} jobs are open`);
    if (ledger.openOf(key_id) >= open_jobs_per_key_max)
      return problemOf("queue_full", `${open_jobs_per_key_max} jobs of this key are open`);
    return model === undefined ? undefined : this.#reached(key_id, may, now);
  }

  #reached(key_id: string, may: KeyLimits, now: number): Problem | undefined {
    const tokens = this.#tokens(key_id, may, now);
    if (tokens?.remaining === 0)
      return usedUp("tokens_per_day", tokens.limit, { again: "at 0:00 UTC", wait_s: tokens.resets_in_s });
    const requests = this.#requests(key_id, may, now);
    if (requests?.remaining === 0) {
      const { limit, resets_in_s: wait_s } = requests;
      return usedUp("requests_per_minute", limit, { again: `in ${wait_s} s`, wait_s });
    }
    const { concurrent = Infinity } = may;
    if (this.#books.ledger.openOf(key_id) < concurrent) return undefined;
    return usedUp("concurrent", concurrent, { again: "when one of its jobs has ended" });
  }

  /** Why nothing is done for this key any more, if so. */
  worthless(key_id: string, now: number): Problem | undefined {
    return this.#books.keys.limitsOf(key_id, now) === undefined ? worthless : undefined;
  }

  /** Oldest first, with what each used today. */
  keys(now: number): UsedKey[] {
    const { keys, accounts } = this.#books;
    return keys.list(now).map((key) => ({ ...key, today: accounts.today(key.key_id, now) }));
  }

  /** What is left of everything that a key may use. */
  allowances(key_id: string, now: number): Allowances {
    const may = this.#books.keys.limitsOf(key_id, now) ?? {};
    const { concurrent = limits.open_jobs_per_key_max } = may;
    const { ledger } = this.#books;
    const places = Math.max(0, Math.min(limits.open_jobs_max - ledger.openCount, concurrent - ledger.openOf(key_id)));
    const requests = this.#requests(key_id, may, now) ?? { limit: concurrent, remaining: places, resets_in_s: 0 };
    const tokens = this.#tokens(key_id, may, now);
    return {
      requests: { ...requests, remaining: Math.min(requests.remaining, places) },
      ...(tokens === undefined ? {} : { tokens }),
    };
  }

  #requests(key_id: string, { requests_per_minute: limit }: KeyLimits, now: number): Allowance | undefined {
    const isOver = Math.floor(now / MINUTE_MS) > this.#minute;
    return allowance(limit, isOver ? 0 : (this.#submitted.get(key_id) ?? 0), MINUTE_MS - (now % MINUTE_MS));
  }

  #tokens(key_id: string, { tokens_per_day: limit }: KeyLimits, now: number): Allowance | undefined {
    if (limit === undefined) return undefined;
    return allowance(limit, this.#books.accounts.today(key_id, now).tokens, DAY_MS - (now % DAY_MS));
  }
}

const worthless = problemOf("unauthorized", keyEnded.reason);

const allowance = (limit: number | undefined, spent: number, resets_in_ms: number): Allowance | undefined =>
  limit === undefined
    ? undefined
    : { limit, remaining: Math.max(0, limit - spent), resets_in_s: Math.ceil(resets_in_ms / 1_000) };

function usedUp(what: keyof KeyLimits, limit: number, { again, wait_s }: { again: string; wait_s?: number }): Problem {
  return problemOf("rate_limited", `the key has used up its ${what} (${limit}); it may go on ${again}`, wait_s);
}
