import type { Sql } from "@rbee/job-core";

export interface JoinToken {
  /** The name its hive will have. */
  readonly label: string | undefined;
  /** Labels its hive will have. */
  readonly labels?: readonly string[];
  readonly expires_at: number;
}

/** One-time tokens with which machines join. Only their hashes are kept. */
export class JoinTokens {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
    sql.exec(
      "CREATE TABLE IF NOT EXISTS join_tokens (hash TEXT PRIMARY KEY, label TEXT, expires_at INTEGER) WITHOUT ROWID",
    );
    sql.exec(
      "CREATE TABLE IF NOT EXISTS join_labels (hash TEXT PRIMARY KEY, labels TEXT, expires_at INTEGER) WITHOUT ROWID",
    );
  }

  add(hash: string, token: JoinToken): void {
    this.#sql.exec(
      "INSERT INTO join_tokens (hash, label, expires_at) VALUES (?, ?, ?)",
      hash,
      token.label ?? null,
      token.expires_at,
    );
    const { labels = [], expires_at } = token;
    if (labels.length === 0) return;
    this.#sql.exec(
      "INSERT INTO join_labels (hash, labels, expires_at) VALUES (?, ?, ?)",
      hash,
      JSON.stringify(labels),
      expires_at,
    );
  }

  /** Takes the token out, so that it works once. `undefined`: there is none, or its time is up. */
  redeem(hash: string, now: number): { label: string | undefined; labels: readonly string[] } | undefined {
    this.#sql.exec("DELETE FROM join_tokens WHERE expires_at <= ?", now);
    this.#sql.exec("DELETE FROM join_labels WHERE expires_at <= ?", now);
    const row = this.#sql.exec<{ label: string | null }>(
      "DELETE FROM join_tokens WHERE hash = ? RETURNING label",
      hash,
    )[0];
    if (row === undefined) return undefined;
    const given = this.#sql.exec<{ labels: string }>(
      "DELETE FROM join_labels WHERE hash = ? RETURNING labels",
      hash,
    )[0];
    return { label: row.label ?? undefined, labels: given === undefined ? [] : (JSON.parse(given.labels) as string[]) };
  }
}
