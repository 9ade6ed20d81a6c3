import type { Sql } from "@rbee/job-core";

/** The durable part of a hive's connection: which one counts, and which credentials are still good. */
export class HiveSession {
  readonly #sql: Sql;
  #number: number;
  #gen: number;

  constructor(sql: Sql) {
    this.#sql = sql;
    sql.exec("CREATE TABLE IF NOT EXISTS session (id INTEGER PRIMARY KEY CHECK (id = 1), number INTEGER, gen INTEGER)");
    const row = sql.exec<{ number: number; gen: number }>("SELECT number, gen FROM session")[0];
    this.#number = row?.number ?? 0;
    this.#gen = row?.gen ?? 0;
  }

  /** Number of the connection that counts; it only grows. [HIVE-1] */
  get number(): number {
    return this.#number;
  }

  /** A credential of an older generation than one seen is worthless: the machine has joined again since. [HIVE-2] */
  admits(gen: number): boolean {
    if (!Number.isInteger(gen) || gen < 1 || gen < this.#gen) return false;
    if (gen > this.#gen) {
      this.#gen = gen;
      this.#write();
    }
    return true;
  }

  /** A hive said hello: its connection is the one that counts from now on. */
  begin(): number {
    this.#number++;
    this.#write();
    return this.#number;
  }

  #write(): void {
    this.#sql.exec("INSERT OR REPLACE INTO session (id, number, gen) VALUES (1, ?, ?)", this.#number, this.#gen);
  }
}
