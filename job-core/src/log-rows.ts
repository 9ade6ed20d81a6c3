import type { Position } from "./position.ts";
import type { Sql } from "./sql.ts";

/** Events `first` … `first + count - 1` of a term, as one JSON array. */
export type LogRow = { term: number; first: number; count: number; body: string };

/** Where one log's rows lie. */
export interface LogRows {
  append(row: LogRow): void;
  /** The newest row. */
  last(): LogRow | undefined;
  /** Rows that hold anything behind a position, in order, read as they are taken. The first of them may begin before it. */
  behind(position: Position): Iterable<LogRow>;
}

const COLUMNS = "term, first, count, body";
const KEY = "ORDER BY term DESC, first DESC LIMIT 1";

/** Rows read at a time: each holds up to a commit's worth of events. */
const PAGE_ROWS = 8;

/** Where the row begins that a position may lie in. */
type Holding = { first: number | null };
type RowStart = Pick<LogRow, "term" | "first">;

function* paged(start: RowStart, read: (from: RowStart) => LogRow[]): Generator<LogRow, void> {
  for (let from = start; ;) {
    const rows = read(from);
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE_ROWS) return;
    from = { term: last.term, first: last.first + 1 };
  }
}

/** Rows of the only log in a database. */
export class OwnLogRows implements LogRows {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** On a database that has none. */
  static create(sql: Sql): OwnLogRows {
    sql.exec(
      "CREATE TABLE log (term INTEGER, first INTEGER, count INTEGER, body TEXT, PRIMARY KEY (term, first)) WITHOUT ROWID",
    );
    return new OwnLogRows(sql);
  }

  append({ term, first, count, body }: LogRow): void {
    this.#sql.exec(`INSERT INTO log (${COLUMNS}) VALUES (?, ?, ?, ?)`, term, first, count, body);
  }

  last(): LogRow | undefined {
    return this.#sql.exec<LogRow>(`SELECT ${COLUMNS} FROM log ${KEY}`)[0];
  }

  behind({ term, seq }: Position): Iterable<LogRow> {
    const holding = "SELECT max(first) AS first FROM log WHERE term = ? AND first <= ?";
    const first = this.#sql.exec<Holding>(holding, term, seq)[0]?.first ?? seq;
    const page = `SELECT ${COLUMNS} FROM log WHERE (term, first) >= (?, ?) ORDER BY term, first LIMIT ?`;
    return paged({ term, first }, (from) => this.#sql.exec<LogRow>(page, from.term, from.first, PAGE_ROWS));
  }
}

/** Rows of one job's log among those of many. */
export class SharedLogRows implements LogRows {
  readonly #sql: Sql;
  readonly #job_id: string;

  constructor(sql: Sql, job_id: string) {
    this.#sql = sql;
    this.#job_id = job_id;
  }

  static prepare(sql: Sql): void {
    sql.exec(
      "CREATE TABLE IF NOT EXISTS logs (job_id TEXT, term INTEGER, first INTEGER, count INTEGER, body TEXT, PRIMARY KEY (job_id, term, first)) WITHOUT ROWID",
    );
  }

  append({ term, first, count, body }: LogRow): void {
    const values = [this.#job_id, term, first, count, body];
    this.#sql.exec(`INSERT INTO logs (job_id, ${COLUMNS}) VALUES (?, ?, ?, ?, ?)`, ...values);
  }

  last(): LogRow | undefined {
    return this.#sql.exec<LogRow>(`SELECT ${COLUMNS} FROM logs WHERE job_id = ? ${KEY}`, this.#job_id)[0];
  }

  behind({ term, seq }: Position): Iterable<LogRow> {
    const id = this.#job_id;
    const holding = "SELECT max(first) AS first FROM logs WHERE job_id = ? AND term = ? AND first <= ?";
    const first = this.#sql.exec<Holding>(holding, id, term, seq)[0]?.first ?? seq;
    const page = `SELECT ${COLUMNS} FROM logs WHERE job_id = ? AND (term, first) >= (?, ?) ORDER BY term, first LIMIT ?`;
    return paged({ term, first }, (from) => this.#sql.exec<LogRow>(page, id, from.term, from.first, PAGE_ROWS));
  }

  remove(): void {
    this.#sql.exec("DELETE FROM logs WHERE job_id = ?", this.#job_id);
  }
}
