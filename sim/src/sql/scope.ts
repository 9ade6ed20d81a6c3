import type { SqlValue } from "@rbee/job-core";
import type { Lexer } from "./lexer.ts";
import type { Row, Schema, Table } from "./table.ts";

/** What statements need of a database. */
export interface Tables {
  rowsOf(name: string): readonly Row[];
  write(name: string): Table;
  create(schema: Schema, unless: boolean): void;
}

/** What an expression can see: a row, the row of the statement around it, and the group of an aggregate. */
export interface Scope {
  row: Row;
  readonly outer: Scope | undefined;
  readonly bindings: readonly SqlValue[];
  readonly db: Tables;
  group: readonly Row[];
}

export type Expression = (scope: Scope) => SqlValue;

export type Statement = (db: Tables, bindings: readonly SqlValue[], outer?: Scope) => Row[];

/** Where something is parsed: the text, the tables it may name (innermost first), and how a query in it is parsed. */
export interface Place {
  readonly lexer: Lexer;
  readonly tables: readonly string[];
  readonly select: (place: Place) => Statement;
}
