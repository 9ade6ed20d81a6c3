import type { SqlValue } from "@rbee/job-core";

export type Row = Readonly<Record<string, SqlValue>>;

export interface Schema {
  readonly name: string;
  readonly columns: readonly string[];
  /** A row with every column and no value: rows that begin alike are read faster. */
  readonly blank: Row;
  readonly primaryKey: readonly string[];
  /** `INTEGER PRIMARY KEY`: numbered when it is not given. */
  readonly rowid: string | undefined;
  readonly unique: readonly string[];
  /** Columns that a CHECK holds to one value. */
  readonly checks: Readonly<Record<string, SqlValue>>;
}

export function compare(a: SqlValue, b: SqlValue): number {
  if (a === b) return 0;
  if (a === null) return -1;
  if (b === null) return 1;
  return a < b ? -1 : 1;
}

/**
 * Rows in the order of their key. The list and its rows are never changed but replaced, so that a snapshot of a table
 * is one reference.
 */
export class Table {
  readonly schema: Schema;
  rows: readonly Row[] = [];

  constructor(schema: Schema) {
    this.schema = schema;
  }

  /** A row to fill. */
  blank(): Record<string, SqlValue> {
    return { ...this.schema.blank };
  }

  /** Takes a filled row over. @returns it, unless one like it was there and is to stay */
  insert(row: Record<string, SqlValue>, otherwise: "replace" | "ignore" | "fail"): Row | undefined {
    this.#complete(row);
    const rows: Row[] = [];
    // Where the key puts it.
    let at = 0;
    for (const other of this.rows) {
      const order = this.#order(other, row);
      if (this.#clash(order, row, other)) {
        if (otherwise === "ignore") return undefined;
        if (otherwise === "fail") throw new Error(`UNIQUE constraint failed: ${this.schema.name}`);
        continue;
      }
      rows.push(other);
      if (order <= 0) at = rows.length;
    }
    if (at === rows.length) rows.push(row);
    else rows.splice(at, 0, row);
    this.rows = rows;
    return row;
  }

  #complete(row: Record<string, SqlValue>): void {
    const { rowid, checks, name } = this.schema;
    if (rowid !== undefined && row[rowid] === null)
      row[rowid] = this.rows.reduce((max, other) => Math.max(max, Number(other[rowid])), 0) + 1;
    for (const column in checks)
      if (row[column] !== checks[column]) throw new Error(`CHECK constraint failed: ${name}.${column}`);
  }

  #order(a: Row, b: Row): number {
    for (const column of this.schema.primaryKey) {
      const order = compare(a[column] as SqlValue, b[column] as SqlValue);
      if (order !== 0) return order;
    }
    return 0;
  }

  #clash(order: number, a: Row, b: Row): boolean {
    const { primaryKey, unique } = this.schema;
    if (primaryKey.length > 0 && order === 0) return true;
    for (const column of unique) if (a[column] !== null && a[column] === b[column]) return true;
    return false;
  }
}
