import { limits, RbeeError, type Inventory } from "@rbee/contracts";
import type { Sql } from "@rbee/job-core";

/** One enrolled machine as the queen last knew it. Times in milliseconds since the epoch. */
export interface Hive {
  readonly hive_id: string;
  /** Credential generation: older credentials are worthless. */
  readonly gen: number;
  readonly enrolled_at: number;
  readonly last_seen: number;
  /** Number of the control connection that counts; a late message of an older one changes nothing. */
  readonly session: number;
  readonly connected: boolean;
  readonly draining: boolean;
  readonly inventory: Inventory | undefined;
  /** Those it joined with. */
  readonly labels: readonly string[];
}

export type HiveChange = Partial<Pick<Hive, "inventory" | "draining">> & { readonly now: number };

type HiveRow = {
  hive_id: string;
  gen: number;
  enrolled_at: number;
  last_seen: number;
  session: number;
  connected: number;
  draining: number;
  inventory: string | null;
};

type LabelsRow = { hive_id: string; labels: string };

/** The colony's hives: rows in storage, read once per wake. */
export class Fleet {
  readonly #sql: Sql;
  readonly #hives = new Map<string, Hive>();
  /** Labels that each hive joined with. */
  readonly #joinedWith = new Map<string, readonly string[]>();
  /** Grows with every change: what was derived from the hives then holds no more. */
  revision = 0;

  constructor(sql: Sql) {
    this.#sql = sql;
    sql.exec(
      "CREATE TABLE IF NOT EXISTS hives (hive_id TEXT PRIMARY KEY, gen INTEGER, enrolled_at INTEGER, last_seen INTEGER, session INTEGER, connected INTEGER, draining INTEGER, inventory TEXT) WITHOUT ROWID",
    );
    sql.exec("CREATE TABLE IF NOT EXISTS hive_labels (hive_id TEXT PRIMARY KEY, labels TEXT) WITHOUT ROWID");
    for (const { hive_id, labels } of sql.exec<LabelsRow>("SELECT hive_id, labels FROM hive_labels"))
      this.#joinedWith.set(hive_id, JSON.parse(labels) as string[]);
    for (const row of sql.exec<HiveRow>("SELECT * FROM hives")) {
      const inventory = row.inventory === null ? undefined : (JSON.parse(row.inventory) as Inventory);
      this.#enter({ ...row, connected: row.connected === 1, draining: row.draining === 1, inventory });
    }
  }

  all(): Hive[] {
    return [...this.#hives.values()];
  }

  find(hive_id: string): Hive | undefined {
    return this.#hives.get(hive_id);
  }

  /** @throws RbeeError hive_not_found, naming the hives there are */
  get(hive_id: string): Hive {
    const hive = this.#hives.get(hive_id);
    if (hive !== undefined) return hive;
    const known = [...this.#hives.keys()].slice(0, 20).join(", ");
    throw new RbeeError(
      "hive_not_found",
      `no hive ${JSON.stringify(hive_id)}; ${known === "" ? "none has joined yet" : `there are ${known}`}`,
    );
  }

  /**
   * A machine joins, or joins again: every older credential of that name ends, and so do its older labels.
   * @returns the new generation
   */
  enrol(hive_id: string, now: number, labels: readonly string[] = []): number {
    const known = this.#hives.get(hive_id);
    if (known === undefined && this.#hives.size >= limits.hives_max) {
      throw new RbeeError("limit_reached", `a colony holds at most ${limits.hives_max} hives`);
    }
    const gen = (known?.gen ?? 0) + 1;
    this.#label(hive_id, labels);
    const fresh = { hive_id, enrolled_at: now, last_seen: now, session: 0, draining: false, inventory: undefined };
    this.#put({ ...(known ?? fresh), gen, connected: false });
    return gen;
  }

  /** @returns false for a connection that a newer one has replaced */
  connected(hive_id: string, session: number, report: { inventory: Inventory; now: number }): boolean {
    const hive = this.#hives.get(hive_id);
    if (hive === undefined || session < hive.session) return false;
    const { inventory, now } = report;
    this.#put({ ...hive, session, connected: true, draining: false, inventory, last_seen: now });
    return true;
  }

  /** @returns whether anything changed */
  update(hive_id: string, session: number, change: HiveChange): boolean {
    const hive = this.#hives.get(hive_id);
    if (hive === undefined || hive.session !== session) return false;
    const { now, ...fields } = change;
    this.#put({ ...hive, ...fields, last_seen: now });
    return true;
  }

  disconnected(hive_id: string, session: number, now: number): void {
    const hive = this.#hives.get(hive_id);
    if (hive === undefined || session < hive.session || !hive.connected) return;
    this.#put({ ...hive, session, connected: false, last_seen: now });
  }

  #label(hive_id: string, labels: readonly string[]): void {
    if (labels.length === 0 && !this.#joinedWith.has(hive_id)) return;
    this.#joinedWith.set(hive_id, labels);
    this.#sql.exec(
      "INSERT OR REPLACE INTO hive_labels (hive_id, labels) VALUES (?, ?)",
      hive_id,
      JSON.stringify(labels),
    );
  }

  #enter(hive: Omit<Hive, "labels">): void {
    this.#hives.set(hive.hive_id, { ...hive, labels: this.#joinedWith.get(hive.hive_id) ?? [] });
    this.revision++;
  }

  #put(hive: Omit<Hive, "labels">): void {
    this.#enter(hive);
    this.#sql.exec(
      "INSERT OR REPLACE INTO hives (hive_id, gen, enrolled_at, last_seen, session, connected, draining, inventory) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      hive.hive_id,
      hive.gen,
      hive.enrolled_at,
      hive.last_seen,
      hive.session,
      Number(hive.connected),
      Number(hive.draining),
      hive.inventory === undefined ? null : JSON.stringify(hive.inventory),
    );
  }
}
