import { limits, type JobLine, type JobState } from "@rbee/contracts";
import type { Placement, Sql } from "@rbee/job-core";
import type { Account, FinishedLine, Work } from "./finished.ts";
import { Occupancy } from "./occupancy.ts";
import { WaitingLine } from "./waiting-line.ts";
import type { How, OpenJob, Want } from "./want.ts";

/** How a job ended, for the list and the accounts. */
export interface Ending {
  readonly state: JobState;
  readonly finished_at: number;
  readonly hive_id?: string;
  readonly error_code?: string;
  /** How fast a generation was, and on which worker. */
  readonly speed?: { readonly hive_id: string; readonly worker_id: string; readonly tokens_per_s: number };
  readonly work?: Work;
}

type OpenRow = { rank: number; want: string; term: number; placement: string | null };
/** What is in the column `want`: also when the job came to where it is. */
type Noted = Want & { readonly noted?: Pick<OpenJob, "since" | "how"> };
type LineRow = { n: number; line: string };

/** History may outgrow its bound by this many lines, so that most jobs need not look. */
const PRUNE_EVERY = 100;

/** The colony's jobs, a line each: open ones are the queue and the slots in use, ended ones are history. */
export class Ledger {
  readonly #sql: Sql;
  readonly #open = new Map<string, OpenJob>();
  readonly #openOfKey = new Map<string, number>();
  /** Always what the lines say. */
  readonly occupancy = new Occupancy();
  readonly line = new WaitingLine();
  #nextRank = 1;

  constructor(sql: Sql) {
    this.#sql = sql;
    sql.exec(
      "CREATE TABLE IF NOT EXISTS open_jobs (job_id TEXT PRIMARY KEY, rank INTEGER, want TEXT, term INTEGER, placement TEXT) WITHOUT ROWID",
    );
    sql.exec("CREATE TABLE IF NOT EXISTS finished_jobs (n INTEGER PRIMARY KEY, job_id TEXT UNIQUE, line TEXT)");
    for (const row of sql.exec<OpenRow>("SELECT rank, want, term, placement FROM open_jobs ORDER BY rank")) {
      const { noted, ...want } = JSON.parse(row.want) as Noted;
      const placement = row.placement === null ? undefined : (JSON.parse(row.placement) as Placement);
      this.#enter({ since: want.submitted_at, ...noted, rank: row.rank, want, term: row.term, placement });
      this.#nextRank = row.rank + 1;
    }
  }

  get openCount(): number {
    return this.#open.size;
  }

  openOf(key_id: string): number {
    return this.#openOfKey.get(key_id) ?? 0;
  }

  find(job_id: string): OpenJob | undefined {
    return this.#open.get(job_id);
  }

  /** In order of arrival, except that one that came back may stand behind. */
  all(): Iterable<OpenJob> {
    return this.#open.values();
  }

  placedOn(hive_id: string): OpenJob[] {
    return [...this.#open.values()].filter(({ placement }) => placement?.hive_id === hive_id);
  }

  /** What a decision about one job sees of the places in use: all but its own. */
  without<T>(job: OpenJob | undefined, decide: () => T): T {
    const { want, placement } = job ?? {};
    if (want === undefined || placement === undefined) return decide();
    this.occupancy.remove(want, placement);
    try {
      return decide();
    } finally {
      this.occupancy.add(want, placement);
    }
  }

  /** It waits, in the queen's term in which it asks. Asking again does not make it wait anew. */
  wait(want: Want, term: number, now: number): OpenJob {
    const known = this.#open.get(want.job_id);
    const since = known?.placement === undefined ? known?.since : undefined;
    return this.#put({ want, term, placement: undefined, since: since ?? now });
  }

  /** It has a place. @param term the hive's */
  give(want: Want, term: number, place: { placement: Placement; how: How; now: number }): OpenJob {
    const { placement, how, now: since } = place;
    return this.#put({ want, term, placement, since, how });
  }

  #put(job: Omit<OpenJob, "rank">): OpenJob {
    const { want, term, placement, since, how } = job;
    const known = this.#open.get(want.job_id);
    if (known !== undefined) this.#leave(known, since);
    const put = { ...job, rank: known?.rank ?? this.#nextRank++ };
    this.#enter(put);
    const noted: Noted = { ...want, noted: { since, ...(how === undefined ? {} : { how }) } };
    this.#sql.exec(
      "INSERT OR REPLACE INTO open_jobs (job_id, rank, want, term, placement) VALUES (?, ?, ?, ?, ?)",
      want.job_id,
      put.rank,
      JSON.stringify(noted),
      term,
      placement === undefined ? null : JSON.stringify(placement),
    );
    return put;
  }

  /** A job that never came to be: its place was reserved and then nobody took it. */
  drop(job_id: string, now: number): void {
    const job = this.#open.get(job_id);
    if (job === undefined) return;
    this.#leave(job, now);
    this.#sql.exec("DELETE FROM open_jobs WHERE job_id = ?", job_id);
  }

  /**
   * The job is over. Told again, it changes nothing: each job is counted once, also when it was reopened meanwhile. [REG-1]
   * @returns the job, if it was open, and its line in the history, if it is new there
   */
  finish(job_id: string, ending: Omit<Ending, "speed">): { job: OpenJob; line?: FinishedLine } | undefined {
    const job = this.#open.get(job_id);
    if (job === undefined) return undefined;
    this.drop(job_id, ending.finished_at);
    const { work, ...rest } = ending;
    const { operation, submitted_at, model } = job.want;
    const line: FinishedLine["line"] = {
      job_id,
      operation,
      submitted_at,
      ...(model === undefined ? {} : { model }),
      ...rest,
      account: accountOf(job, work),
    };
    const row = this.#sql.exec<{ n: number }>(
      "INSERT OR IGNORE INTO finished_jobs (job_id, line) VALUES (?, ?) RETURNING n",
      job_id,
      JSON.stringify(line),
    )[0];
    if (row === undefined) return { job };
    if (row.n % PRUNE_EVERY === 0) {
      this.#sql.exec("DELETE FROM finished_jobs WHERE n <= ?", row.n - limits.finished_jobs_max);
    }
    return { job, line: { n: row.n, line } };
  }

  /** Newest first: open ones, then ended ones; of one key if it is named. */
  list(limit: number, key_id?: string): JobLine[] {
    const open = [...this.#open.values()]
      .filter(({ want }) => key_id === undefined || want.key_id === key_id)
      .sort((a, b) => b.rank - a.rank)
      .slice(0, limit)
      .map(lineOf);
    const ended = this.finished(limit - open.length, key_id).map(({ line }) => publicOf(line));
    return [...open, ...ended];
  }

  /** Ended jobs, newest first; of one key if it is named. */
  finished(limit: number, key_id?: string): FinishedLine[] {
    // No index: it would be a row more for each job, and few ask.
    const ofKey =
      "SELECT n, line FROM finished_jobs WHERE json_extract(line, '$.account.key_id') = ? ORDER BY n DESC LIMIT ?";
    const rows =
      key_id === undefined
        ? this.#sql.exec<LineRow>("SELECT n, line FROM finished_jobs ORDER BY n DESC LIMIT ?", limit)
        : this.#sql.exec<LineRow>(ofKey, key_id, limit);
    return rows.map(({ n, line }) => ({ n, line: JSON.parse(line) as FinishedLine["line"] }));
  }

  #enter(job: OpenJob): void {
    const { want, placement } = job;
    this.#open.set(want.job_id, job);
    this.#count(want, 1);
    if (placement === undefined) return this.line.add(job);
    this.occupancy.add(want, placement);
    this.line.began(job);
  }

  #leave(job: OpenJob, now: number): void {
    const { want, placement, since } = job;
    this.#open.delete(want.job_id);
    this.#count(want, -1);
    if (placement === undefined) return this.line.remove(job);
    this.occupancy.remove(want, placement);
    this.line.ended(job, Math.max(0, now - since));
  }

  #count({ key_id = "" }: Want, by: 1 | -1): void {
    const count = this.openOf(key_id) + by;
    if (count === 0) this.#openOfKey.delete(key_id);
    else this.#openOfKey.set(key_id, count);
  }
}

function accountOf({ want, placement, since, how }: OpenJob, work: Work | undefined): Account {
  const { key_id = "", session, about } = want;
  return {
    key_id,
    ...(session === undefined ? {} : { session: session.keep }),
    ...(placement === undefined ? {} : { placed_at: since }),
    ...(placement?.worker_id === undefined ? {} : { worker_id: placement.worker_id }),
    ...(how === undefined ? {} : { how }),
    ...(about === undefined ? {} : { about }),
    ...work,
  };
}

/** What anyone may see of an ended job. */
function publicOf({ account, ...line }: FinishedLine["line"]): JobLine {
  return account?.about === undefined ? line : { model: account.about, ...line };
}

function lineOf({ want, placement }: OpenJob): JobLine {
  const model = want.model ?? want.about;
  return {
    job_id: want.job_id,
    operation: want.operation,
    state: placement === undefined ? "queued" : "running",
    submitted_at: want.submitted_at,
    ...(placement === undefined ? {} : { hive_id: placement.hive_id }),
    ...(model === undefined ? {} : { model }),
  };
}
