import { limits, type ErrorCode, type FleetTotals, type UsageBy, type UsageSums, type UsedKey } from "@rbee/contracts";
import type { Sql } from "@rbee/job-core";
import { bump, countJob, newCounters, type Counters, type Stops } from "./counters.ts";
import type { FinishedLine } from "./finished.ts";
import { DAY_MS, UsageBook, type UsageReport } from "./usage-book.ts";

type Row = { n: number; line: string };

/** What jobs of one key used on one day. */
export type DayUse = UsedKey["today"];
const nothing: DayUse = { jobs: 0, tokens: 0 };
const dayOf = (at: number): number => Math.floor(at / DAY_MS);

/**
 * Usage and counters: sums over the lines of the history. They are written once in a while with the number of the last
 * line that is in them; what came behind it is added up again when the object wakes. So each job counts exactly once,
 * whatever crashes, and costs next to no row of its own. [REG-6]
 */
export class Accounts {
  readonly #sql: Sql;
  readonly #usage: UsageBook;
  readonly counters: Counters;
  #savedAt: number;
  /** Added up at the first question of a day, or behind a wake; each job that ends is added. */
  #today: { readonly day: number; readonly keys: Map<string, DayUse> } | undefined;

  constructor(sql: Sql) {
    this.#sql = sql;
    this.#usage = new UsageBook(sql);
    sql.exec("CREATE TABLE IF NOT EXISTS counters (id INTEGER PRIMARY KEY CHECK (id = 1), body TEXT)");
    const row = sql.exec<{ body: string }>("SELECT body FROM counters")[0];
    this.counters = { ...newCounters(), ...(row === undefined ? {} : (JSON.parse(row.body) as Counters)) };
    this.#savedAt = this.counters.n;
    const since = sql.exec<Row>("SELECT n, line FROM finished_jobs WHERE n > ? ORDER BY n", this.counters.n);
    for (const { n, line } of since) this.#fold({ n, line: JSON.parse(line) as FinishedLine["line"] });
  }

  /** A job ended: its line was just written. */
  add(finished: FinishedLine): void {
    this.#fold(finished);
    const { submitted_at, finished_at = submitted_at } = finished.line;
    if (finished.n - this.#savedAt >= limits.accounts_every_jobs) this.save(finished_at);
  }

  /** Somebody was refused before there was a job. Written with the next save: a flood of refusals costs nothing. */
  refused(code: ErrorCode): void {
    bump(this.counters.refused, code);
  }

  /** Workers that came and went, and which of these their hives stopped. */
  workers({ came, went, idle, memory }: { came: number; went: number } & Stops, now: number): void {
    if (came + went + idle + memory === 0) return;
    this.counters.stops.idle += idle;
    this.counters.stops.memory += memory;
    this.counters.loads += came;
    this.counters.unloads += went;
    this.save(now);
  }

  report(by: UsageBy, range: { from: number; to: number }): UsageReport {
    return this.#usage.report(by, range);
  }

  /** What a key's jobs used that ended on this day, in UTC. */
  today(key_id: string, now: number): DayUse {
    const day = dayOf(now);
    if (this.#today?.day !== day) {
      const { rows } = this.#usage.report("key", { from: day * DAY_MS, to: (day + 1) * DAY_MS });
      this.#today = { day, keys: new Map(rows.map((row) => [row.name, usedIn(row)])) };
    }
    return this.#today.keys.get(key_id) ?? nothing;
  }

  get totals(): FleetTotals {
    const { tokens, ttft_s } = this.counters;
    return {
      completion_tokens: sum(Object.values(tokens).map(([, , completion]) => completion)),
      first_tokens: sum(ttft_s.buckets),
      ttft_s: ttft_s.sum,
    };
  }

  /** To be called in the transaction of what is counted. */
  save(now: number): void {
    this.#usage.save(now);
    this.#sql.exec("INSERT OR REPLACE INTO counters (id, body) VALUES (1, ?)", JSON.stringify(this.counters));
    this.#savedAt = this.counters.n;
  }

  #fold(finished: FinishedLine): void {
    countJob(this.counters, finished);
    const { line } = finished;
    const { model, hive_id = "", submitted_at, finished_at = submitted_at, state, account } = line;
    // What a hive does without an engine is not metered.
    if (model === undefined) return;
    const {
      key_id = "",
      placed_at = finished_at,
      prompt_tokens = 0,
      cached_tokens = 0,
      completion_tokens = 0,
    } = account ?? {};
    this.#usage.add({
      ended_at: finished_at,
      key_id,
      model: account?.model ?? model,
      hive_id,
      failed: Number(state === "failed"),
      cancelled: Number(state === "cancelled"),
      prompt_tokens,
      cached_tokens,
      completion_tokens,
      slot_ms: Math.max(0, finished_at - placed_at),
    });
    if (this.#today?.day !== dayOf(finished_at)) return;
    const { jobs, tokens } = this.#today.keys.get(key_id) ?? nothing;
    this.#today.keys.set(key_id, { jobs: jobs + 1, tokens: tokens + prompt_tokens + completion_tokens });
  }
}

const usedIn = ({ jobs, prompt_tokens, completion_tokens }: UsageSums): DayUse => ({
  jobs,
  tokens: prompt_tokens + completion_tokens,
});

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
