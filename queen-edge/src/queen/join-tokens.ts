import type { Sql } from "@rbee/job-core";

/** One-time tokens with which machines join. Only their hashes are kept. */
export class JoinTokens {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
    sql.exec(
      "CREATE TABLE IF NOT EXISTS join_tokens (hash TEXT PRIMARY KEY, label TEXT, expires_at INTEGER) WITHOUT ROWID",
    );
  }

  add(hash: string, token: { label: string | undefined; expires_at: number }): void {
    this.#sql.exec(
      "INSERT INTO join_tokens (hash, label, expires_at) VALUES (?, ?, ?)",
      hash,
      token.label ?? null,
      token.expires_at,
    );
  }

  /** Takes the token out, so that it works once. `undefined`: there is none, or its time is up. */
  redeem(hash: string, now: number): { label: string | undefined } | undefined {
    this.#sql.exec("DELETE FROM join_tokens WHERE expires_at <= ?", now);
    const row = this.#sql.exec<{ label: string | null }>(
      "DELETE FROM join_tokens WHERE hash = ? RETURNING label",
      hash,
    )[0];
    return row === undefined ? undefined : { label: row.label ?? undefined };
  }
}
