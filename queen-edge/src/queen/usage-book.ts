import { limits, type UsageBy, type UsageSums } from "@rbee/contracts";
import type { Sql } from "@rbee/job-core";

const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** What one sum is about: jobs of one key and model on one hive that ended within one hour, or one day. */
interface Slot {
  /** Milliseconds since the epoch. */
  readonly start: number;
  readonly span: number;
  readonly key_id: string;
  readonly model: string;
  readonly hive_id: string;
}

export type UsageFacts = Omit<UsageSums, "jobs" | "units"> & {
  readonly ended_at: number;
  readonly key_id: string;
  readonly model: string;
  readonly hive_id: string;
};

type Row = { -readonly [K in keyof Slot]: Slot[K] } & { sums: string };

export interface UsageReport {
  readonly rows: (UsageSums & { readonly name: string })[];
  readonly total: UsageSums;
}

const noUsage: UsageSums = {
  jobs: 0,
  failed: 0,
  cancelled: 0,
  prompt_tokens: 0,
  cached_tokens: 0,
  completion_tokens: 0,
  slot_ms: 0,
  units: 0,
};

/** Making a token keeps an engine as busy as reading several. */
const UNITS_PER_TOKEN_MADE = 4;

/** Sums by hour, key, model and hive, a row each, which outlive the jobs. What was added is in memory until it is saved. */
export class UsageBook {
  readonly #sql: Sql;
  readonly #changed = new Map<string, { readonly slot: Slot; sums: UsageSums }>();
  /** Day for which old rows were last put together. */
  #agedOn = 0;

  constructor(sql: Sql) {
    this.#sql = sql;
    sql.exec(
      "CREATE TABLE IF NOT EXISTS usage (start INTEGER, span INTEGER, key_id TEXT, model TEXT, hive_id TEXT, sums TEXT, PRIMARY KEY (start, span, key_id, model, hive_id)) WITHOUT ROWID",
    );
  }

  /** One ended job. */
  add({ ended_at, key_id, model, hive_id, ...facts }: UsageFacts): void {
    const { prompt_tokens, cached_tokens, completion_tokens } = facts;
    const units = prompt_tokens - cached_tokens + UNITS_PER_TOKEN_MADE * completion_tokens;
    const start = ended_at - (ended_at % HOUR_MS);
    this.#add({ start, span: HOUR_MS, key_id, model, hive_id }, { ...facts, jobs: 1, units });
  }

  /** Writes what was added: a row for each hour, key, model and hive that changed. */
  save(now: number): void {
    for (const { slot, sums } of this.#changed.values()) this.#put(slot, sums);
    this.#changed.clear();
    const day = Math.floor(now / DAY_MS);
    if (day <= this.#agedOn) return;
    this.#agedOn = day;
    this.#age(day * DAY_MS);
  }

  /** Sums of the hours that begin within a time, those that have grown old by their days. The most units first. */
  report(by: UsageBy, { from, to }: { from: number; to: number }): UsageReport {
    const groups = new Map<string, UsageSums>();
    let total = noUsage;
    const take = (slot: Slot, sums: UsageSums): void => {
      const name = { key: slot.key_id, model: slot.model, hive: slot.hive_id }[by];
      groups.set(name, plus(groups.get(name) ?? noUsage, sums));
      total = plus(total, sums);
    };
    const begin = from - (from % HOUR_MS);
    for (const row of this.#sql.exec<Row>("SELECT * FROM usage WHERE start >= ? AND start < ?", begin, to)) {
      if (!this.#changed.has(nameOf(row))) take(row, JSON.parse(row.sums) as UsageSums);
    }
    for (const { slot, sums } of this.#changed.values()) if (slot.start >= begin && slot.start < to) take(slot, sums);
    const rows = [...groups].map(([name, sums]) => ({ name, ...sums }));
    return { rows: rows.sort((one, other) => other.units - one.units || (one.name < other.name ? -1 : 1)), total };
  }

  #add(slot: Slot, sums: UsageSums): void {
    const name = nameOf(slot);
    const known = this.#changed.get(name);
    if (known === undefined) this.#changed.set(name, { slot, sums: plus(this.#stored(slot), sums) });
    else known.sums = plus(known.sums, sums);
  }

  #stored({ start, span, key_id, model, hive_id }: Slot): UsageSums {
    const row = this.#sql.exec<{ sums: string }>(
      "SELECT sums FROM usage WHERE start = ? AND span = ? AND key_id = ? AND model = ? AND hive_id = ?",
      start,
      span,
      key_id,
      model,
      hive_id,
    )[0];
    return row === undefined ? noUsage : (JSON.parse(row.sums) as UsageSums);
  }

  #put({ start, span, key_id, model, hive_id }: Slot, sums: UsageSums): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO usage (start, span, key_id, model, hive_id, sums) VALUES (?, ?, ?, ?, ?, ?)",
      start,
      span,
      key_id,
      model,
      hive_id,
      JSON.stringify(sums),
    );
  }

  /** Hours of old days become days, very old days go, and so does the oldest of what is too much. */
  #age(today: number): void {
    const old = today - limits.usage_hourly_days * DAY_MS;
    const days = new Map<string, { slot: Slot; sums: UsageSums }>();
    for (const row of this.#sql.exec<Row>("SELECT * FROM usage WHERE span = ? AND start < ?", HOUR_MS, old)) {
      const slot = { ...row, start: row.start - (row.start % DAY_MS), span: DAY_MS };
      const sums = days.get(nameOf(slot))?.sums ?? this.#stored(slot);
      days.set(nameOf(slot), { slot, sums: plus(sums, JSON.parse(row.sums) as UsageSums) });
    }
    for (const { slot, sums } of days.values()) this.#put(slot, sums);
    this.#sql.exec("DELETE FROM usage WHERE span = ? AND start < ?", HOUR_MS, old);
    this.#sql.exec("DELETE FROM usage WHERE start < ?", today - limits.usage_daily_days * DAY_MS);
    const starts = this.#sql.exec<{ start: number }>("SELECT start FROM usage ORDER BY start DESC");
    const oldest = starts[limits.usage_rows_max];
    if (oldest !== undefined) this.#sql.exec("DELETE FROM usage WHERE start <= ?", oldest.start);
  }
}

/** A separator that no name has. */
const nameOf = ({ start, span, key_id, model, hive_id }: Slot): string =>
  [start, span, key_id, model, hive_id].join("\n");

const plus = (one: UsageSums, other: UsageSums): UsageSums => ({
  jobs: one.jobs + other.jobs,
  failed: one.failed + other.failed,
  cancelled: one.cancelled + other.cancelled,
  prompt_tokens: one.prompt_tokens + other.prompt_tokens,
  cached_tokens: one.cached_tokens + other.cached_tokens,
  completion_tokens: one.completion_tokens + other.completion_tokens,
  slot_ms: one.slot_ms + other.slot_ms,
  units: one.units + other.units,
});
