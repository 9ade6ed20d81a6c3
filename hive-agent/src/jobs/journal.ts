import { Op, Outcome, problemOf } from "@rbee/contracts";
import type { Sql } from "@rbee/job-core";

/** Events `first` … `first + count - 1` as one JSON array: the unit of a row, and of a frame. */
export interface Chunk {
  readonly first: number;
  readonly count: number;
  /** How many of them are tokens. */
  readonly tokens: number;
  readonly body: string;
}

/** What is known of a chunk without its body. */
export type ChunkHead = Omit<Chunk, "body"> & { readonly bytes: number };

/** A job as the journal holds it. */
export interface JournaledJob {
  /** The row's number: a later term of the same job has another. */
  readonly id: number;
  readonly op: Op;
  /** Everything up to here was acknowledged and is gone. */
  readonly acked: number;
  /** Token events of this term, the acknowledged ones included. */
  readonly tokens: number;
  readonly chunks: readonly ChunkHead[];
  readonly outcome: Outcome | undefined;
}

const TABLES = [
  "CREATE TABLE IF NOT EXISTS jobs (id INTEGER PRIMARY KEY, job_id TEXT UNIQUE, op TEXT, acked INTEGER, tokens INTEGER, outcome TEXT)",
  "CREATE TABLE IF NOT EXISTS chunks (id INTEGER, first INTEGER, count INTEGER, tokens INTEGER, body TEXT, PRIMARY KEY (id, first)) WITHOUT ROWID",
  "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT)",
];
const INSERT_JOB = "INSERT INTO jobs (id, job_id, op, acked, tokens) VALUES (?, ?, ?, 0, 0)";
const INSERT_CHUNK = "INSERT INTO chunks (id, first, count, tokens, body) VALUES (?, ?, ?, ?, ?)";

type JobRow = { id: number; op: string; acked: number; tokens: number; outcome: string | null };

/**
 * What this hive was asked to do and has not yet been told to forget. It is written before anything is done or sent, so
 * a killed agent goes on where it was. Losing power may cost the newest rows, see `recover`.
 */
export class Journal {
  readonly #sql: Sql;
  /** Never given out twice: removals come late, and must not meet another job. */
  #lastId: number;

  constructor(sql: Sql) {
    this.#sql = sql;
    for (const table of TABLES) sql.exec(table);
    this.#lastId = sql.exec<{ id: number }>("SELECT coalesce(max(id), 0) AS id FROM jobs")[0]?.id ?? 0;
  }

  /** All writes of one tick, together or not at all. */
  batch(work: () => void): void {
    this.#sql.transaction(work);
  }

  /**
   * Everything that is held, at the start of an agent. When the machine itself restarted (`boot` changed) the newest
   * rows may be missing although they were sent; going on would write other events under the same numbers. Such jobs
   * are given back: the queen knows what was shown and decides. [AGENT-4]
   */
  recover(boot: string): JournaledJob[] {
    return this.#sql.transaction(() => {
      const known = this.#sql.exec<{ value: string }>("SELECT value FROM meta WHERE key = 'boot'")[0]?.value;
      if (known !== undefined && known !== boot) {
        const lost: Outcome = { status: "refused", error: problemOf("hive_lost", "the machine restarted") };
        this.#sql.exec("UPDATE jobs SET outcome = ? WHERE outcome IS NULL", JSON.stringify(lost));
      }
      this.#sql.exec("INSERT OR REPLACE INTO meta (key, value) VALUES ('boot', ?)", boot);
      const rows = this.#sql.exec<JobRow>("SELECT id, op, acked, tokens, outcome FROM jobs ORDER BY id");
      return rows.map((row) => this.#load(row)).filter((job) => job !== undefined);
    });
  }

  /** Takes an operation, in place of an older term of the same job. [AGENT-1] [AGENT-3] */
  begin(op: Op): JournaledJob {
    const id = ++this.#lastId;
    this.#sql.transaction(() => {
      const older = this.#sql.exec<{ id: number }>("SELECT id FROM jobs WHERE job_id = ?", op.job_id)[0];
      if (older !== undefined) this.remove(older.id);
      this.#sql.exec(INSERT_JOB, id, op.job_id, JSON.stringify(op));
    });
    return { id, op, acked: 0, tokens: 0, chunks: [], outcome: undefined };
  }

  append(id: number, { first, count, tokens, body }: Chunk): void {
    this.#sql.exec(INSERT_CHUNK, id, first, count, tokens, body);
  }

  end(id: number, outcome: Outcome): void {
    this.#sql.exec("UPDATE jobs SET outcome = ? WHERE id = ?", JSON.stringify(outcome), id);
  }

  /** Forgets events up to `last`, which ends a chunk. */
  trim(id: number, last: number): void {
    const tokens = "tokens + (SELECT coalesce(sum(tokens), 0) FROM chunks WHERE id = jobs.id AND first <= ?2)";
    this.#sql.exec(`UPDATE jobs SET acked = ?2, tokens = ${tokens} WHERE id = ?1`, id, last);
    this.#sql.exec("DELETE FROM chunks WHERE id = ? AND first <= ?", id, last);
  }

  body(id: number, first: number): string {
    const row = this.#sql.exec<{ body: string }>("SELECT body FROM chunks WHERE id = ? AND first = ?", id, first)[0];
    if (row === undefined) throw new Error(`the journal has no event ${first} of job ${id}`);
    return row.body;
  }

  remove(id: number): void {
    this.#sql.exec("DELETE FROM chunks WHERE id = ?", id);
    this.#sql.exec("DELETE FROM jobs WHERE id = ?", id);
  }

  #load({ id, op, acked, tokens, outcome }: JobRow): JournaledJob | undefined {
    const parsed = Op.safeParse(JSON.parse(op));
    if (!parsed.success) {
      // Written by another version of the agent; nothing here can run it.
      this.remove(id);
      return undefined;
    }
    const chunks = this.#sql.exec<ChunkHead & Record<string, number>>(
      "SELECT first, count, tokens, length(body) AS bytes FROM chunks WHERE id = ? ORDER BY first",
      id,
    );
    return {
      id,
      op: parsed.data,
      acked,
      tokens: chunks.reduce((sum, chunk) => sum + chunk.tokens, tokens),
      chunks,
      outcome: outcome === null ? undefined : Outcome.parse(JSON.parse(outcome)),
    };
  }
}
