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
interface Counted {
  readonly key_id?: string | undefined;
  readonly model?: string | undefined;
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
  /** Jobs that were there at the wake: at the first question those of its minute are counted. */
  #found: readonly (Counted & { readonly submitted_at: number })[];
  #minute: number | undefined;
  readonly #submitted = new Map<string, number>();

  /** @param finished the newest lines of the history */
  constructor(books: Books, finished: readonly FinishedLine[]) {
    this.#books = books;
    const ended = finished.map(({ line: { model, submitted_at, account } }) => ({
      key_id: account?.key_id,
      model,
      submitted_at,
    }));
    this.#found = [...ended, ...[...books.ledger.all()].map(({ want }) => want)];
  }

  /** A job was taken. */
  count(job: Counted, now: number): void {
    addTo(this.#submittedIn(now), job);
  }

  /** By the registry's clock alone: that of a Worker may be another, and each may be set back. */
  #submittedIn(now: number): Map<string, number> {
    const minute = minuteOf(now);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#submitted.clear();
      for (const job of this.#found) if (minuteOf(job.submitted_at) === minute) addTo(this.#submitted, job);
      this.#found = [];
    }
    return this.#submitted;
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
    if (limit === undefined) return undefined;
    return allowance(limit, this.#submittedIn(now).get(key_id) ?? 0, MINUTE_MS - (now % MINUTE_MS));
  }

  #tokens(key_id: string, { tokens_per_day: limit }: KeyLimits, now: number): Allowance | undefined {
    if (limit === undefined) return undefined;
    return allowance(limit, this.#books.accounts.today(key_id, now).tokens, DAY_MS - (now % DAY_MS));
  }
}

const worthless = problemOf("unauthorized", keyEnded.reason);

const minuteOf = (at: number): number => Math.floor(at / MINUTE_MS);

function addTo(counts: Map<string, number>, { key_id = "", model }: Counted): void {
  if (model !== undefined) counts.set(key_id, (counts.get(key_id) ?? 0) + 1);
}

const allowance = (limit: number, spent: number, resets_in_ms: number): Allowance => ({
  limit,
  remaining: Math.max(0, limit - spent),
  resets_in_s: Math.ceil(resets_in_ms / 1_000),
});

function usedUp(what: keyof KeyLimits, limit: number, { again, wait_s }: { again: string; wait_s?: number }): Problem {
  return problemOf("rate_limited", `the key has used up its ${what} (${limit}); it may go on ${again}`, wait_s);
}
