import { limits, RbeeError, type ApiKey, type Scope } from "@rbee/contracts";
import type { Sql } from "@rbee/job-core";
import { listed } from "./unknown.ts";

/** What a key is good for. */
export type Grant = Pick<ApiKey, "key_id" | "scope" | "expires_at">;

type Row = {
  key_id: string;
  name: string;
  scope: string;
  created_at: number;
  expires_at: number | null;
  last_used: number | null;
};

/** API keys besides the owner's. Only their hashes are kept. [KEY-1] */
export class Keys {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
    sql.exec(
      "CREATE TABLE IF NOT EXISTS api_keys (hash TEXT PRIMARY KEY, key_id TEXT UNIQUE, name TEXT, scope TEXT, created_at INTEGER, expires_at INTEGER, last_used INTEGER) WITHOUT ROWID",
    );
  }

  /** @throws RbeeError queue_full */
  add(hash: string, { key_id, name, scope, created_at, expires_at }: ApiKey): void {
    this.#forgetExpired(created_at);
    const there = this.#sql.exec<{ n: number }>("SELECT count(*) AS n FROM api_keys")[0]?.n ?? 0;
    if (there >= limits.keys_max)
      throw new RbeeError("queue_full", `there are ${there} keys, and may be no more; revoke one first`);
    this.#sql.exec(
      "INSERT INTO api_keys (hash, key_id, name, scope, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
      hash,
      key_id,
      name,
      scope,
      created_at,
      expires_at ?? null,
    );
  }

  /** What the key with this hash is good for now, and notes that it was used. */
  use(hash: string, now: number): Grant | undefined {
    const row = this.#sql.exec<Row>("SELECT * FROM api_keys WHERE hash = ?", hash)[0];
    const key = row === undefined ? undefined : keyOf(row);
    if (key === undefined || !isGood(key, now)) return undefined;
    if (Math.abs(now - (key.last_used ?? 0)) >= limits.key_used_ms)
      this.#sql.exec("UPDATE api_keys SET last_used = ? WHERE hash = ?", now, hash);
    const { key_id, scope, expires_at } = key;
    return { key_id, scope, ...(expires_at === undefined ? {} : { expires_at }) };
  }

  /** Oldest first. Those whose time is up are gone. */
  list(now: number): ApiKey[] {
    this.#forgetExpired(now);
    return this.#sql.exec<Row>("SELECT * FROM api_keys ORDER BY created_at, key_id").map(keyOf);
  }

  /** @throws RbeeError not_found */
  revoke(key_id: string, now: number): void {
    const gone = this.#sql.exec("DELETE FROM api_keys WHERE key_id = ? RETURNING key_id", key_id);
    if (gone.length > 0) return;
    const there = this.list(now).map((key) => key.key_id);
    throw new RbeeError("not_found", `no key ${JSON.stringify(key_id)}; ${listed(there, "there is none")}`);
  }

  #forgetExpired(now: number): void {
    this.#sql.exec("DELETE FROM api_keys WHERE expires_at <= ?", now);
  }
}

const isGood = ({ expires_at = Infinity }: Grant, now: number): boolean => now < expires_at;

const keyOf = ({ key_id, name, scope, created_at, expires_at, last_used }: Row): ApiKey => ({
  key_id,
  name,
  scope: scope as Scope,
  created_at,
  ...(expires_at === null ? {} : { expires_at }),
  ...(last_used === null ? {} : { last_used }),
});
