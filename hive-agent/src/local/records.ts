import { limits, modelAbout, type JobLine, type OperationName } from "@rbee/contracts";
import { isEnded, SharedLogRows, type JobSpec, type Phase, type Sql } from "@rbee/job-core";

/** What a local job is, besides its log. */
export interface LocalRecord {
  readonly spec: JobSpec;
  readonly phase: Phase;
}

type Row = { spec: string; phase: string };

/** The local jobs of this machine in one database: what was asked for, where each stands, and their logs. */
export class LocalRecords {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
    sql.exec(
      "CREATE TABLE IF NOT EXISTS jobs (job_id TEXT PRIMARY KEY, submitted_at INTEGER, finished_at INTEGER, spec TEXT, phase TEXT) WITHOUT ROWID",
    );
    sql.exec("CREATE INDEX IF NOT EXISTS jobs_by_age ON jobs (submitted_at)");
    sql.exec("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT)");
    SharedLogRows.prepare(sql);
  }

  /** Whether the machine itself restarted since the last call: then the newest rows may be missing. */
  rebooted(boot: string): boolean {
    const known = this.#sql.exec<{ value: string }>("SELECT value FROM meta WHERE key = 'boot'")[0]?.value;
    this.#sql.exec("INSERT OR REPLACE INTO meta (key, value) VALUES ('boot', ?)", boot);
    return known !== undefined && known !== boot;
  }

  transaction<T>(work: () => T): T {
    return this.#sql.transaction(work);
  }

  add({ spec, phase }: LocalRecord): void {
    const columns = "(job_id, submitted_at, spec, phase) VALUES (?, ?, ?, ?)";
    const values = [spec.job_id, spec.submitted_at, JSON.stringify(spec), JSON.stringify(phase)];
    this.#sql.exec(`INSERT INTO jobs ${columns}`, ...values);
  }

  move(job_id: string, phase: Phase): void {
    const finished_at = isEnded(phase) ? phase.finished_at : null;
    const update = "UPDATE jobs SET phase = ?, finished_at = ? WHERE job_id = ?";
    this.#sql.exec(update, JSON.stringify(phase), finished_at, job_id);
  }

  find(job_id: string): LocalRecord | undefined {
    return this.#sql.exec<Row>("SELECT spec, phase FROM jobs WHERE job_id = ?", job_id).map(recordOf)[0];
  }

  /** Jobs that an earlier agent left unfinished, oldest first. */
  open(): LocalRecord[] {
    const query = "SELECT spec, phase FROM jobs WHERE finished_at IS NULL ORDER BY submitted_at";
    return this.#sql.exec<Row>(query).map(recordOf);
  }

  /** Newest first. */
  list(limit: number): JobLine[] {
    const query = "SELECT spec, phase FROM jobs ORDER BY submitted_at DESC LIMIT ?";
    return this.#sql.exec<Row>(query, limit).map((row) => lineOf(recordOf(row)));
  }

  rowsOf(job_id: string): SharedLogRows {
    return new SharedLogRows(this.#sql, job_id);
  }

  /** Removes what ended long enough ago. */
  prune(now: number): void {
    const old = this.#sql.exec<{ job_id: string }>(
      "SELECT job_id FROM jobs WHERE finished_at <= ?",
      now - limits.job_retention_ms,
    );
    if (old.length === 0) return;
    this.#sql.transaction(() => {
      for (const { job_id } of old) {
        this.rowsOf(job_id).remove();
        this.#sql.exec("DELETE FROM jobs WHERE job_id = ?", job_id);
      }
    });
  }
}

const recordOf = ({ spec, phase }: Row): LocalRecord => ({
  spec: JSON.parse(spec) as JobSpec,
  phase: JSON.parse(phase) as Phase,
});

function lineOf({ spec, phase }: LocalRecord): JobLine {
  const model = modelAbout(spec.input);
  return {
    job_id: spec.job_id,
    operation: spec.operation satisfies OperationName,
    state: phase.state === "placed" ? "running" : phase.state,
    submitted_at: spec.submitted_at,
    ...(isEnded(phase) ? { finished_at: phase.finished_at } : {}),
    ...(isEnded(phase) && phase.error !== undefined ? { error_code: phase.error.code } : {}),
    ...(phase.state === "placed" ? { hive_id: phase.hive_id } : {}),
    ...(model === undefined ? {} : { model }),
  };
}
