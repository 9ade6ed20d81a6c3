import { limits } from "@rbee/contracts";
import type { Sql } from "@rbee/job-core";

/** The durable part of a hive's connection: which one counts, and which credentials are still good. */
export class HiveSession {
  readonly #sql: Sql;
  #number: number;
  #gen: number;

  constructor(sql: Sql) {
    this.#sql = sql;
    sql.exec("CREATE TABLE IF NOT EXISTS session (id INTEGER PRIMARY KEY CHECK (id = 1), number INTEGER, gen INTEGER)");
    sql.exec("CREATE TABLE IF NOT EXISTS connects (nonce TEXT PRIMARY KEY, at INTEGER) WITHOUT ROWID");
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

  /**
   * A signed connect request is good for one connection: whoever sends it again is not the hive. Kept for as long as its
   * signature could pass, by a clock that is fast or slow. [HIVE-3]
   */
  isNew(nonce: string, now: number): boolean {
    this.#sql.exec("DELETE FROM connects WHERE at < ?", now - 2 * limits.signature_skew_ms);
    const added = "INSERT OR IGNORE INTO connects (nonce, at) VALUES (?, ?) RETURNING nonce";
    return this.#sql.exec(added, nonce, now).length > 0;
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
