import { limits, type Check, type HiveInfo } from "@rbee/contracts";
import type { Sql } from "@rbee/job-core";

/** The queen's self-test: each check says what it saw, in words a person can act on. */

/** Writes and reads back. */
export function storageCheck(sql: Sql, now: number): Check {
  try {
    const read = sql.transaction(() => {
      sql.exec("CREATE TABLE IF NOT EXISTS probe (id INTEGER PRIMARY KEY CHECK (id = 1), at INTEGER)");
      sql.exec("INSERT OR REPLACE INTO probe (id, at) VALUES (1, ?)", now);
      return sql.exec<{ at: number }>("SELECT at FROM probe")[0]?.at;
    });
    return read === now
      ? { name: "storage", ok: true, detail: "the registry writes and reads back" }
      : { name: "storage", ok: false, detail: "the registry read something else than it wrote" };
  } catch (error) {
    return { name: "storage", ok: false, detail: `the registry cannot be written: ${String(error).slice(0, 200)}` };
  }
}

export function hivesCheck(hives: readonly HiveInfo[]): Check {
  if (hives.length === 0)
    return { name: "hives", ok: false, detail: "no hive has joined yet; `rbee hives token` makes a token for one" };
  const away = hives.filter(({ connected }) => !connected).map(({ hive_id }) => hive_id);
  const there = `${hives.length - away.length} of ${hives.length} connected`;
  if (away.length === 0) return { name: "hives", ok: true, detail: there };
  const named = away.slice(0, limits.names_listed_max).join(", ");
  return {
    name: "hives",
    ok: false,
    detail: `${there}; away: ${named}${away.length > limits.names_listed_max ? ", …" : ""}`,
  };
}

/** While a job is open the registry looks after it; an alarm that is long due means that it does not. */
export function auditCheck({ open, alarm, now }: { open: number; alarm: number | null; now: number }): Check {
  if (open === 0) return { name: "audit", ok: true, detail: "no job is open, so nothing is to be audited" };
  const late = alarm === null ? undefined : now - alarm;
  if (late === undefined) return { name: "audit", ok: false, detail: `${open} jobs are open and no audit is due` };
  return late > limits.audit_ms
    ? { name: "audit", ok: false, detail: `${open} jobs are open and the audit is ${Math.round(late / 1000)} s late` }
    : { name: "audit", ok: true, detail: `${open} jobs are open; the next audit is due within a minute` };
}

interface Secrets {
  readonly RBEE_SECRET?: string;
  readonly RBEE_API_KEY?: string;
  readonly RBEE_ORIGINS?: string;
}

/** A queen without secrets answers nobody, so they are set; this says how well. */
export function secretsCheck({ RBEE_SECRET = "", RBEE_API_KEY = "", RBEE_ORIGINS = "" }: Secrets): Check {
  const same = RBEE_SECRET === RBEE_API_KEY;
  const origins = RBEE_ORIGINS === "" ? "no web page may call" : `pages of ${RBEE_ORIGINS} may call`;
  return same
    ? { name: "secrets", ok: false, detail: "RBEE_SECRET and RBEE_API_KEY are the same: a key would seal credentials" }
    : { name: "secrets", ok: true, detail: `RBEE_SECRET and RBEE_API_KEY are set; ${origins}` };
}

/** @param iso the queen's time, for a person to compare with their own */
export const clockCheck = (now: number, iso: string): Check => ({
  name: "clock",
  ok: now > CLOCK_MIN_MS,
  detail: `the queen's clock says ${iso}`,
});

/** A clock before this (June 2025) was never set. */
const CLOCK_MIN_MS = 1_750_000_000_000;
