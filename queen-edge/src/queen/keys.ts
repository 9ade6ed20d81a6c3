import { limits, RbeeError, type ApiKey, type KeyLimits, type Scope } from "@rbee/contracts";
import type { Sql } from "@rbee/job-core";
import { listed } from "./unknown.ts";

/** What a key is good for. */
export type Grant = Pick<ApiKey, "key_id" | "scope" | "expires_at">;
type Holder = Pick<ApiKey, "key_id" | "scope">;

type Row = {
  key_id: string;
  name: string;
  scope: string;
  created_at: number;
  expires_at: number | null;
  last_used: number | null;
};

type LimitsRow = { key_id: string; limits: string };

/** API keys besides the owner's. Only their hashes are kept. [KEY-1] */
export class Keys {
  readonly #sql: Sql;
  #cutOffAt: number | undefined;

  constructor(sql: Sql) {
    this.#sql = sql;
    sql.exec(
      "CREATE TABLE IF NOT EXISTS api_keys (hash TEXT PRIMARY KEY, key_id TEXT UNIQUE, name TEXT, scope TEXT, created_at INTEGER, expires_at INTEGER, last_used INTEGER) WITHOUT ROWID",
    );
    sql.exec("CREATE TABLE IF NOT EXISTS key_limits (key_id TEXT PRIMARY KEY, limits TEXT) WITHOUT ROWID");
    this.#lookAhead();
  }

  /** When streams that were opened with a key which is worthless by then are to be ended once more. */
  get cutOffAt(): number | undefined {
    return this.#cutOffAt;
  }

  /** @throws RbeeError limit_reached */
  add(hash: string, { key_id, name, scope, created_at, expires_at, limits: may }: ApiKey): void {
    const there = this.#good(created_at).length;
    if (there >= limits.keys_max)
      throw new RbeeError("limit_reached", `there are ${there} keys, and may be no more; revoke one first`);
    this.#sql.exec(
      "INSERT INTO api_keys (hash, key_id, name, scope, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
      hash,
      key_id,
      name,
      scope,
      created_at,
      expires_at ?? null,
    );
    if (may !== undefined)
      this.#sql.exec("INSERT INTO key_limits (key_id, limits) VALUES (?, ?)", key_id, JSON.stringify(may));
    this.#lookAhead();
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

  /** Oldest first. Those whose time is up are not among them. */
  list(now: number): ApiKey[] {
    const rows = this.#sql.exec<LimitsRow>("SELECT key_id, limits FROM key_limits");
    const may = new Map(rows.map(({ key_id, limits: text }) => [key_id, JSON.parse(text) as KeyLimits]));
    return this.#good(now).map((key) => {
      const limits = may.get(key.key_id);
      return limits === undefined ? key : { ...key, limits };
    });
  }

  /** Of a key that nobody limited, and of none of these, nothing is limited. */
  limitsOf(key_id: string): KeyLimits {
    const row = this.#sql.exec<LimitsRow>("SELECT limits FROM key_limits WHERE key_id = ?", key_id)[0];
    return row === undefined ? {} : (JSON.parse(row.limits) as KeyLimits);
  }

  /** The key's time is up now. It is kept until whoever has a stream open with it was cut off for good. @throws RbeeError not_found */
  revoke(key_id: string, now: number): Holder {
    const there = this.#good(now);
    const key = there.find((one) => one.key_id === key_id);
    if (key === undefined) {
      const names = there.map((one) => one.key_id);
      throw new RbeeError("not_found", `no key ${JSON.stringify(key_id)}; ${listed(names, "there is none")}`);
    }
    // No hash is like this one: it is worthless whatever the clock does.
    const hash = `revoked ${key_id}`;
    this.#sql.exec("UPDATE api_keys SET hash = ?, expires_at = ? WHERE key_id = ?", hash, now, key_id);
    this.#lookAhead();
    return key;
  }

  /** Keys that have been worthless for so long that no Worker takes them any more. */
  ended(now: number): Holder[] {
    const until = now - limits.key_cut_off_ms;
    return this.#sql.exec<Row>("SELECT * FROM api_keys WHERE expires_at <= ?", until).map(keyOf);
  }

  forget(key_id: string): void {
    this.#sql.exec("DELETE FROM api_keys WHERE key_id = ?", key_id);
    this.#sql.exec("DELETE FROM key_limits WHERE key_id = ?", key_id);
    this.#lookAhead();
  }

  #good(now: number): ApiKey[] {
    const rows = this.#sql.exec<Row>("SELECT * FROM api_keys ORDER BY created_at, key_id");
    return rows.map(keyOf).filter((key) => isGood(key, now));
  }

  #lookAhead(): void {
    const first = this.#sql.exec<Row>("SELECT * FROM api_keys WHERE expires_at > 0 ORDER BY expires_at LIMIT 1")[0];
    this.#cutOffAt = first === undefined ? undefined : (first.expires_at ?? 0) + limits.key_cut_off_ms;
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
