import type { Sql, SqlValue } from "@rbee/job-core";
import { compile } from "./statement.ts";
import type { Tables } from "./scope.ts";
import { Table, type Row, type Schema } from "./table.ts";

/** What a database was at one moment: a reference per table. */
export type Snapshot = readonly (readonly [Table, readonly Row[]])[];

/**
 * A database in memory for exactly the SQL that the protocol code speaks; anything else throws. Creating one costs next
 * to nothing and a snapshot a few references, which is what a simulator that loses power all the time needs.
 */
export class MemorySql implements Sql, Tables {
  #tables: Table[] = [];
  #depth = 0;
  /** Called before the first write of a turn or a transaction; may throw, as a full disk does. */
  onWrite: (() => void) | undefined;

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
    return this.#tables.map((table) => [table, table.rows]);
  }

  restore(snapshot: Snapshot): void {
    this.#tables = snapshot.map(([table, rows]) => {
      table.rows = rows;
      return table;
    });
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
    this.onWrite?.();
    return this.#need(name);
  }

  create(schema: Schema, unless: boolean): void {
    if (this.#find(schema.name) !== undefined) {
      if (unless) return;
      throw new Error(`table ${schema.name} already exists`);
    }
    this.onWrite?.();
    this.#tables.push(new Table(schema));
  }

  #need(name: string): Table {
    const table = this.#find(name);
    if (table === undefined) throw new Error(`no such table: ${name}`);
    return table;
  }

  #find(name: string): Table | undefined {
    return this.#tables.find((table) => table.schema.name === name);
  }
}
