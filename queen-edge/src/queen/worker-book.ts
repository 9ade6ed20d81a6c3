import { limits, type ActiveWorker, type WorkerInfo } from "@rbee/contracts";
import type { Sql } from "@rbee/job-core";

/** What the queen keeps of one worker besides its hive's word. Times in milliseconds since the epoch. */
interface Line {
  readonly hive_id: string;
  readonly worker_id: string;
  /** A name may be used again; a worker of another process is another worker. */
  readonly pid: number;
  /** When the queen first heard of it. */
  readonly since: number;
  readonly tokens_per_s: number | null;
  readonly retired: "keep" | "stop" | null;
  /** When its hive was last asked to let it finish. */
  readonly asked_at: number;
}

type Row = { -readonly [K in keyof Line]: Line[K] };

/** A hive must be told that one of its workers is to get nothing new. */
export interface Retirement {
  readonly hive_id: string;
  readonly worker_id: string;
  readonly pid: number;
  readonly keep: boolean;
}

/** The colony's workers: rows in storage, read once per wake. */
export class WorkerBook {
  readonly #sql: Sql;
  readonly #lines = new Map<string, Line>();
  /** When a job on it ended last. The history has it too. */
  readonly #used = new Map<string, number>();
  /** Grows with every change of who is retired. */
  revision = 0;

  constructor(sql: Sql) {
    this.#sql = sql;
    sql.exec(
      "CREATE TABLE IF NOT EXISTS workers (hive_id TEXT, worker_id TEXT, pid INTEGER, since INTEGER, tokens_per_s REAL, retired TEXT, asked_at INTEGER, PRIMARY KEY (hive_id, worker_id)) WITHOUT ROWID",
    );
    for (const row of sql.exec<Row>("SELECT * FROM workers")) this.#lines.set(keyOf(row.hive_id, row.worker_id), row);
  }

  /**
   * A hive told which workers it has: new ones are noted, those that went are forgotten, and so is their retirement.
   * @returns how many came, and how many went
   */
  heard(hive_id: string, workers: readonly WorkerInfo[], now: number): { came: number; went: number } {
    const there = new Set(workers.map(({ worker_id }) => worker_id));
    let [came, went] = [0, 0];
    for (const line of this.#lines.values()) {
      if (line.hive_id !== hive_id || there.has(line.worker_id)) continue;
      this.#drop(line);
      went++;
    }
    for (const { worker_id, pid } of workers) {
      const known = this.#lines.get(keyOf(hive_id, worker_id));
      if (known?.pid === pid) continue;
      this.#put({ hive_id, worker_id, pid, since: now, tokens_per_s: null, retired: null, asked_at: 0 });
      came++;
      if (known !== undefined) went++;
    }
    return { came, went };
  }

  /** A generation ended at this speed. */
  measured(hive_id: string, worker_id: string, tokens_per_s: number): void {
    const line = this.#lines.get(keyOf(hive_id, worker_id));
    // In memory only: a row per job would cost more than the number is worth after a restart.
    if (line !== undefined) this.#lines.set(keyOf(hive_id, worker_id), { ...line, tokens_per_s });
  }

  /** A job that it had is over. */
  used(hive_id: string, worker_id: string, at: number): void {
    const key = keyOf(hive_id, worker_id);
    if (this.#lines.has(key)) this.#used.set(key, Math.max(at, this.#used.get(key) ?? 0));
  }

  /** Since when nobody uses it, as far as the queen knows. */
  idleSince(hive_id: string, { worker_id, pid }: WorkerInfo): number | undefined {
    const key = keyOf(hive_id, worker_id);
    const line = this.#lines.get(key);
    return line?.pid === pid ? Math.max(line.since, this.#used.get(key) ?? 0) : undefined;
  }

  /** From now on it gets nothing new, whatever restarts. [WORKER-1] */
  retire(hive_id: string, worker_id: string, retired: "keep" | "stop"): void {
    const line = this.#lines.get(keyOf(hive_id, worker_id));
    if (line !== undefined) this.#put({ ...line, retired, asked_at: 0 });
  }

  isRetired(hive_id: string, { worker_id, pid }: WorkerInfo): boolean {
    const line = this.#lines.get(keyOf(hive_id, worker_id));
    return line?.pid === pid && line.retired !== null;
  }

  /** What to show of a worker besides its hive's word. */
  notesOf(hive_id: string, { worker_id, pid }: WorkerInfo): Pick<ActiveWorker, "since" | "tokens_per_s" | "retired"> {
    const line = this.#lines.get(keyOf(hive_id, worker_id));
    if (line?.pid !== pid) return {};
    const { since, tokens_per_s, retired } = line;
    return {
      since,
      ...(tokens_per_s === null ? {} : { tokens_per_s }),
      ...(retired === null ? {} : { retired }),
    };
  }

  /** Retired workers that their hive still gives work to, unless it was asked a moment ago. [WORKER-2] */
  due(hive_id: string, workers: readonly WorkerInfo[], now: number): Retirement[] {
    return workers.flatMap((worker) => {
      const { worker_id, pid, state } = worker;
      const line = this.#lines.get(keyOf(hive_id, worker_id));
      if (line === undefined || line.retired === null || line.pid !== pid) return [];
      // One that drains already may have been told to stay.
      const first = line.asked_at === 0 && (state === "ready" || state === "draining");
      const unheeded = state === "ready" && now - line.asked_at >= limits.worker_retire_retry_ms;
      if (!first && !unheeded) return [];
      this.#put({ ...line, asked_at: now });
      return [{ hive_id, worker_id, pid, keep: line.retired === "keep" }];
    });
  }

  #put(line: Line): void {
    this.#lines.set(keyOf(line.hive_id, line.worker_id), line);
    this.revision++;
    const { hive_id, worker_id, pid, since, tokens_per_s, retired, asked_at } = line;
    this.#sql.exec(
      "INSERT OR REPLACE INTO workers (hive_id, worker_id, pid, since, tokens_per_s, retired, asked_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
      hive_id,
      worker_id,
      pid,
      since,
      tokens_per_s,
      retired,
      asked_at,
    );
  }

  #drop({ hive_id, worker_id }: Line): void {
    this.#lines.delete(keyOf(hive_id, worker_id));
    this.#used.delete(keyOf(hive_id, worker_id));
    this.revision++;
    this.#sql.exec("DELETE FROM workers WHERE hive_id = ? AND worker_id = ?", hive_id, worker_id);
  }
}

const keyOf = (hive_id: string, worker_id: string): string => `${hive_id} ${worker_id}`;
