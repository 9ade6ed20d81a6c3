import { limits, type JobLine, type JobState } from "@rbee/contracts";
import type { Placement, Sql } from "@rbee/job-core";
import type { RoomWish } from "./room.ts";

/** What a job needs of a hive. */
export interface Want {
  readonly job_id: string;
  readonly operation: string;
  readonly submitted_at: number;
  /** A hive by name, or `auto`. */
  readonly hive_id: string;
  /** Set when a worker must run it; unset when the hive itself does. */
  readonly model?: string;
  readonly worker_id?: string;
  /** What it is to run, where the queen chooses the hive for an operation of a hive. */
  readonly room?: RoomWish;
  /** Only a hive that has this very model will do: part of the answer was shown. */
  readonly model_digest?: string;
  readonly offline: "fail" | "wait" | "last_known";
}

/** A job that is not over: in the queue, or with a hive. */
export interface OpenJob {
  /** Order of arrival; a job that comes back keeps its own. */
  readonly rank: number;
  readonly want: Want;
  readonly term: number;
  readonly placement: Placement | undefined;
}

/** How a job ended, for the list. */
export interface Ending {
  readonly state: JobState;
  readonly finished_at: number;
  readonly hive_id?: string;
  readonly error_code?: string;
  /** How fast a generation was, and on which worker. */
  readonly speed?: { readonly hive_id: string; readonly worker_id: string; readonly tokens_per_s: number };
}

type OpenRow = { rank: number; want: string; term: number; placement: string | null };
type LineRow = { line: string };

/** History may outgrow its bound by this many lines, so that most jobs need not look. */
const PRUNE_EVERY = 100;

/** The colony's jobs, a line each: open ones are the queue and the slots in use, ended ones are history. */
export class Ledger {
  readonly #sql: Sql;
  readonly #open = new Map<string, OpenJob>();
  #nextRank = 1;

  constructor(sql: Sql) {
    this.#sql = sql;
    sql.exec(
      "CREATE TABLE IF NOT EXISTS open_jobs (job_id TEXT PRIMARY KEY, rank INTEGER, want TEXT, term INTEGER, placement TEXT) WITHOUT ROWID",
    );
    sql.exec("CREATE TABLE IF NOT EXISTS finished_jobs (n INTEGER PRIMARY KEY, job_id TEXT UNIQUE, line TEXT)");
    for (const row of sql.exec<OpenRow>("SELECT rank, want, term, placement FROM open_jobs ORDER BY rank")) {
      const want = JSON.parse(row.want) as Want;
      const placement = row.placement === null ? undefined : (JSON.parse(row.placement) as Placement);
      this.#open.set(want.job_id, { rank: row.rank, want, term: row.term, placement });
      this.#nextRank = row.rank + 1;
    }
  }

  get openCount(): number {
    return this.#open.size;
  }

  find(job_id: string): OpenJob | undefined {
    return this.#open.get(job_id);
  }

  placed(): OpenJob[] {
    return [...this.#open.values()].filter((job) => job.placement !== undefined);
  }

  /** In order of arrival. */
  queued(): OpenJob[] {
    return [...this.#open.values()].filter((job) => job.placement === undefined).sort((a, b) => a.rank - b.rank);
  }

  /** Writes where a job stands. @param term the queen's term in which it asks, or the hive's in which it was placed */
  put(want: Want, term: number, placement: Placement | undefined): OpenJob {
    const rank = this.#open.get(want.job_id)?.rank ?? this.#nextRank++;
    const job: OpenJob = { rank, want, term, placement };
    this.#open.set(want.job_id, job);
    this.#sql.exec(
      "INSERT OR REPLACE INTO open_jobs (job_id, rank, want, term, placement) VALUES (?, ?, ?, ?, ?)",
      want.job_id,
      rank,
      JSON.stringify(want),
      term,
      placement === undefined ? null : JSON.stringify(placement),
    );
    return job;
  }

  /** A job that never came to be: its place was reserved and then nobody took it. */
  drop(job_id: string): void {
    if (this.#open.delete(job_id)) this.#sql.exec("DELETE FROM open_jobs WHERE job_id = ?", job_id);
  }

  /** The job is over. Told again, it changes nothing: each job is counted once, also when it was reopened meanwhile. [REG-1] */
  finish(job_id: string, ending: Omit<Ending, "speed">): boolean {
    const job = this.#open.get(job_id);
    if (job === undefined) return false;
    this.drop(job_id);
    const { operation, submitted_at, model } = job.want;
    const line: JobLine = { job_id, operation, submitted_at, ...(model === undefined ? {} : { model }), ...ending };
    const row = this.#sql.exec<{ n: number }>(
      "INSERT OR IGNORE INTO finished_jobs (job_id, line) VALUES (?, ?) RETURNING n",
      job_id,
      JSON.stringify(line),
    )[0];
    if (row !== undefined && row.n % PRUNE_EVERY === 0) {
      this.#sql.exec("DELETE FROM finished_jobs WHERE n <= ?", row.n - limits.finished_jobs_max);
    }
    return true;
  }

  /** Newest first: open ones, then ended ones. */
  list(limit: number): JobLine[] {
    const open = [...this.#open.values()]
      .sort((a, b) => b.rank - a.rank)
      .slice(0, limit)
      .map(lineOf);
    const ended = this.#sql
      .exec<LineRow>("SELECT line FROM finished_jobs ORDER BY n DESC LIMIT ?", limit - open.length)
      .map((row) => JSON.parse(row.line) as JobLine);
    return [...open, ...ended];
  }
}

function lineOf({ want, placement }: OpenJob): JobLine {
  return {
    job_id: want.job_id,
    operation: want.operation,
    state: placement === undefined ? "queued" : "running",
    submitted_at: want.submitted_at,
    ...(placement === undefined ? {} : { hive_id: placement.hive_id }),
    ...(want.model === undefined ? {} : { model: want.model }),
  };
}
