import { limits, RbeeError, type ApiKey, type KeyLimits, type Scope } from "@rbee/contracts";
import type { Sql } from "@rbee/job-core";
import { listed } from "./unknown.ts";

/** What a key is good for. */
export type Grant = Pick<ApiKey, "key_id" | "scope" | "expires_at">;
type Holder = Pick<ApiKey, "key_id" | "scope">;

type Row = {
  hash: string;
  key_id: string;
  name: string;
  scope: string;
  created_at: number;
  expires_at: number | null;
  last_used: number | null;
  limits: string | null;
};

/** Keys that are never revoked: the owner's is a secret of the Worker, and with the last the queen asks for herself. */
const standing: ReadonlySet<string> = new Set(["owner", "queen"]);

const KEYS = "SELECT api_keys.*, limits FROM api_keys LEFT JOIN key_limits USING (key_id)";

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
    const there = this.list(created_at).length;
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
    const row = this.#sql.exec<Row>(`${KEYS} WHERE hash = ?`, hash)[0];
    if (row === undefined || !isGood(row, now)) return undefined;
    if (Math.abs(now - (row.last_used ?? 0)) >= limits.key_used_ms)
      this.#sql.exec("UPDATE api_keys SET last_used = ? WHERE hash = ?", now, hash);
    const { key_id, scope, expires_at } = keyOf(row);
    return { key_id, scope, ...(expires_at === undefined ? {} : { expires_at }) };
  }

  /** Oldest first. Those whose time is up are not among them. */
  list(now: number): ApiKey[] {
    return this.#sql
      .exec<Row>(`${KEYS} ORDER BY created_at, key_id`)
      .filter((row) => isGood(row, now))
      .map(keyOf);
  }

  /** What a key may use that is good now; where nobody limited it, everything. */
  limitsOf(key_id: string, now: number): KeyLimits | undefined {
    if (standing.has(key_id)) return {};
    const row = this.#sql.exec<Row>(`${KEYS} WHERE key_id = ?`, key_id)[0];
    return row !== undefined && isGood(row, now) ? (keyOf(row).limits ?? {}) : undefined;
  }

  /** The key's time is up now. It is kept until whoever has a stream open with it was cut off for good. @throws RbeeError not_found */
  revoke(key_id: string, now: number): Holder {
    const there = this.list(now);
    const key = there.find((one) => one.key_id === key_id);
    if (key === undefined) {
      const names = there.map((one) => one.key_id);
      throw new RbeeError("not_found", `no key ${JSON.stringify(key_id)}; ${listed(names, "there is none")}`);
    }
    // No hash is like this one: it is worthless whatever the clock does.
    this.#sql.exec("UPDATE api_keys SET hash = ?, expires_at = ? WHERE key_id = ?", revoked(key_id), now, key_id);
    this.#lookAhead();
    return key;
  }

  /** Keys that have been worthless for so long that no Worker takes them any more. */
  ended(now: number): Holder[] {
    const until = now - limits.key_cut_off_ms;
    return this.#sql
      .exec<Row>("SELECT key_id, scope FROM api_keys WHERE expires_at <= ?", until)
      .map(({ key_id, scope }) => ({ key_id, scope: scope as Scope }));
  }

  forget(key_id: string): void {
    this.#sql.exec("DELETE FROM api_keys WHERE key_id = ?", key_id);
    this.#sql.exec("DELETE FROM key_limits WHERE key_id = ?", key_id);
    this.#lookAhead();
  }

  #lookAhead(): void {
    const first = this.#sql.exec<Row>(
      "SELECT expires_at FROM api_keys WHERE expires_at > 0 ORDER BY expires_at LIMIT 1",
    )[0];
    this.#cutOffAt = first === undefined ? undefined : (first.expires_at ?? 0) + limits.key_cut_off_ms;
  }
}

const revoked = (key_id: string): string => `revoked ${key_id}`;

const isGood = ({ hash, key_id, expires_at }: Row, now: number): boolean =>
  hash !== revoked(key_id) && now < (expires_at ?? Infinity);

const keyOf = ({ key_id, name, scope, created_at, expires_at, last_used, limits: may }: Row): ApiKey => ({
  key_id,
  name,
  scope: scope as Scope,
  created_at,
  ...(expires_at === null ? {} : { expires_at }),
  ...(last_used === null ? {} : { last_used }),
  ...(may === null ? {} : { limits: JSON.parse(may) as KeyLimits }),
});
