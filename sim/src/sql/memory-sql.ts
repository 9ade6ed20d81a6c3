import type { Sql, SqlValue } from "@rbee/job-core";
import { compile } from "./statement.ts";
import type { Tables } from "./scope.ts";
import { Table, type Row, type Schema } from "./table.ts";

/** What a database was at one moment: its tables, and a reference for the rows of each. */
export interface Snapshot {
  readonly tables: readonly Table[];
  readonly rows: readonly (readonly Row[])[];
}

export const nothing: Snapshot = { tables: [], rows: [] };

/**
 * A database in memory for exactly the SQL that the protocol code speaks; anything else throws. Creating one costs next
 * to nothing and a snapshot a few references, which is what a simulator that loses power all the time needs.
 */
export class MemorySql implements Sql, Tables {
  /** Replaced when it changes. */
  #tables: readonly Table[] = [];
  #depth = 0;
  readonly #onWrite: (() => void) | undefined;

  /** `onWrite` is called before each write; it may throw, as a full disk does. */
  constructor(onWrite?: () => void) {
    this.#onWrite = onWrite;
  }

  exec<R extends Record<string, SqlValue>>(query: string, ...bindings: SqlValue[]): R[] {
    return compile(query)(this, bindings) as R[];
  }

  transaction<T>(work: () => T): T {
    if (this.#depth > 0) return work();
    const before = this.snapshot();
    this.#depth++;
    try {
      return work();
    } catch (error) {
      this.restore(before);
      throw error;
    } finally {
      this.#depth--;
    }
  }

  snapshot(): Snapshot {
    const tables = this.#tables;
    const rows: (readonly Row[])[] = [];
    for (const table of tables) rows.push(table.rows);
    return { tables, rows };
  }

  restore({ tables, rows }: Snapshot): void {
    this.#tables = tables;
    for (let i = 0; i < tables.length; i++) (tables[i] as Table).rows = rows[i] as readonly Row[];
  }

  get isEmpty(): boolean {
    return this.#tables.length === 0;
  }

  clear(): void {
    this.#tables = [];
  }

  get inTransaction(): boolean {
    return this.#depth > 0;
  }

  /** Rows of a table, for statements and for whoever checks them; none if there is no such table. */
  peek(name: string): readonly Row[] {
    return this.#find(name)?.rows ?? [];
  }

  rowsOf(name: string): readonly Row[] {
    if (name === "sqlite_master") return this.#tables.map(({ schema }) => ({ type: "table", name: schema.name }));
    return this.#need(name).rows;
  }

  write(name: string): Table {
    this.#onWrite?.();
    return this.#need(name);
  }

  create(schema: Schema, unless: boolean): void {
    if (this.#find(schema.name) !== undefined) {
      if (unless) return;
      throw new Error(`table ${schema.name} already exists`);
    }
    this.#onWrite?.();
    this.#tables = [...this.#tables, new Table(schema)];
  }

  #need(name: string): Table {
    const table = this.#find(name);
    if (table === undefined) throw new Error(`no such table: ${name}`);
    return table;
  }

  #find(name: string): Table | undefined {
    for (const table of this.#tables) if (table.schema.name === name) return table;
    return undefined;
  }
}
