import type { Sql, SqlValue } from "@rbee/job-core";
import type { Random } from "../platform/random.ts";
import { MemorySql, nothing, type Snapshot } from "../sql/memory-sql.ts";

/** A machine's disk with the agent's journal. What was committed outlives the process; only what was synced, the power. */
export class Disk {
  readonly db = new MemorySql(() => {
    if (this.full) throw new Error("database or disk is full");
  });
  full = false;
  readonly mayLosePower: boolean;
  #durable: Snapshot = nothing;
  /** What each commit since the last sync left. */
  #since: Snapshot[] = [];

  constructor(mayLosePower: boolean) {
    this.mayLosePower = mayLosePower;
  }

  committed(): void {
    if (this.mayLosePower) this.#since.push(this.db.snapshot());
  }

  /** Puts on the disk what is committed now. @returns what to call when that is done */
  sync(): () => void {
    const count = this.#since.length;
    const state = this.#since.at(-1) ?? this.#durable;
    const pending = this.#since;
    return () => {
      // A power cut in between began a new list.
      if (this.#since !== pending) return;
      this.#durable = state;
      this.#since.splice(0, count);
    };
  }

  /** The power goes: a tail of what was not synced is lost, never a middle. @returns how many commits */
  losePower(random: Random): number {
    const kept = random.between(0, this.#since.length);
    const lost = this.#since.length - kept;
    this.#durable = kept === 0 ? this.#durable : (this.#since[kept - 1] as Snapshot);
    this.#since = [];
    this.db.restore(this.#durable);
    return lost;
  }
}

/** The disk as one run of the agent sees it. */
export class ProcessSql implements Sql {
  readonly #disk: Disk;
  readonly #hooks: { isAlive(): boolean; before(): void; after(): void };

  constructor(disk: Disk, hooks: { isAlive(): boolean; before(): void; after(): void }) {
    this.#disk = disk;
    this.#hooks = hooks;
  }

  exec<Row extends Record<string, SqlValue>>(query: string, ...bindings: SqlValue[]): Row[] {
    this.#alive();
    const rows = this.#disk.db.exec<Row>(query, ...bindings);
    if (!this.#disk.db.inTransaction && !query.startsWith("SELECT")) this.#disk.committed();
    return rows;
  }

  transaction<T>(work: () => T): T {
    this.#alive();
    if (this.#disk.db.inTransaction) return work();
    const result = this.#disk.db.transaction(() => {
      const result = work();
      this.#hooks.before();
      return result;
    });
    this.#disk.committed();
    this.#hooks.after();
    return result;
  }

  #alive(): void {
    if (!this.#hooks.isAlive()) throw new Error("the process is gone");
  }
}
