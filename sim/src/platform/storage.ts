import { MemorySql, type Snapshot } from "../sql/memory-sql.ts";

interface Saved {
  readonly tables: Snapshot;
  readonly values: ReadonlyMap<string, unknown>;
  readonly alarm: number | null;
}

/** Maps of values are never changed but replaced. */
const NO_VALUES: ReadonlyMap<string, unknown> = new Map();

/** An object's storage: what was written since the last confirmation can be taken back. */
export class Storage {
  readonly db = new MemorySql(() => this.#touch());
  #values = NO_VALUES;
  alarm: number | null = null;
  #saved: Saved | undefined;

  /** Something was written that is not confirmed. */
  get dirty(): boolean {
    return this.#saved !== undefined;
  }

  confirm(): void {
    this.#saved = undefined;
  }

  rollBack(): void {
    if (this.#saved === undefined) return;
    this.db.restore(this.#saved.tables);
    this.#values = this.#saved.values;
    this.alarm = this.#saved.alarm;
    this.#saved = undefined;
  }

  clearAlarm(): void {
    this.#touch();
    this.alarm = null;
  }

  get isEmpty(): boolean {
    return this.db.isEmpty && this.#values.size === 0 && this.alarm === null;
  }

  /** The part of `DurableObjectStorage` that objects use. Reads and writes of a memory cache: no turn ends between. */
  readonly api = {
    sql: {
      exec: (query: string, ...bindings: (string | number | null)[]) => {
        const rows = this.db.exec(query, ...bindings);
        return { toArray: () => rows };
      },
    },
    transactionSync: <T>(work: () => T): T => this.db.transaction(work),
    get: async (key: string): Promise<unknown> => this.#values.get(key),
    put: async (key: string, value: unknown): Promise<void> => {
      this.#touch();
      this.#values = new Map(this.#values).set(key, value);
    },
    delete: async (key: string): Promise<boolean> => {
      this.#touch();
      const values = new Map(this.#values);
      const known = values.delete(key);
      this.#values = values;
      return known;
    },
    getAlarm: async (): Promise<number | null> => this.alarm,
    setAlarm: async (at: number | Date): Promise<void> => {
      this.#touch();
      this.alarm = Number(at);
    },
    deleteAlarm: async (): Promise<void> => this.clearAlarm(),
    deleteAll: async (): Promise<void> => {
      this.#touch();
      this.db.clear();
      this.#values = NO_VALUES;
      this.alarm = null;
    },
  };

  #touch(): void {
    this.#saved ??= { tables: this.db.snapshot(), values: this.#values, alarm: this.alarm };
  }
}
