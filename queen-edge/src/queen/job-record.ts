import type { JobSpec, Phase, Sql } from "@rbee/job-core";

export type { JobSpec } from "@rbee/job-core";

/** The two durable facts of a job besides its log: what was asked for, and where it stands. */
export class JobRecord {
  readonly #sql: Sql;
  readonly spec: JobSpec;
  #phase: Phase;

  private constructor(sql: Sql, row: { spec: JobSpec; phase: Phase }) {
    this.#sql = sql;
    this.spec = row.spec;
    this.#phase = row.phase;
  }

  /** Reading does not write: an object that is asked about an unknown id stays empty, and free. */
  static load(sql: Sql): JobRecord | undefined {
    const created = sql.exec("SELECT 1 AS one FROM sqlite_master WHERE name = 'job'").length > 0;
    const row = created ? sql.exec<{ spec: string; phase: string }>("SELECT spec, phase FROM job")[0] : undefined;
    if (row === undefined) return undefined;
    return new JobRecord(sql, { spec: JSON.parse(row.spec) as JobSpec, phase: JSON.parse(row.phase) as Phase });
  }

  static create(sql: Sql, spec: JobSpec, phase: Phase): JobRecord {
    sql.exec("CREATE TABLE job (id INTEGER PRIMARY KEY CHECK (id = 1), spec TEXT, phase TEXT)");
    sql.exec("INSERT INTO job (id, spec, phase) VALUES (1, ?, ?)", JSON.stringify(spec), JSON.stringify(phase));
    return new JobRecord(sql, { spec, phase });
  }

  get phase(): Phase {
    return this.#phase;
  }

  move(phase: Phase): void {
    this.#sql.exec("UPDATE job SET phase = ?", JSON.stringify(phase));
    this.#phase = phase;
  }
}
