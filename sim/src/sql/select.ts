import type { SqlValue } from "@rbee/job-core";
import { parseCondition, parseSum } from "./expression.ts";
import type { Lexer } from "./lexer.ts";
import type { Expression, Place, Scope, Statement } from "./scope.ts";
import { compare, type Row } from "./table.ts";

interface Output {
  readonly name: string;
  readonly value: Expression;
}

const AGGREGATES = /\b(max|sum|count)\s*\(/i;

/** `SELECT …` without joins and groups. */
export function parseSelect(around: Place): Statement {
  const { lexer } = around;
  lexer.expect("SELECT");
  const everything = lexer.accept("*");
  const start = lexer.mark();
  const outputs = everything ? [] : parseOutputs(around);
  const aggregate = AGGREGATES.test(lexer.since(start));
  lexer.expect("FROM");
  const table = lexer.name();
  const place = { ...around, tables: [table, ...around.tables] };
  const where = lexer.accept("WHERE") ? parseCondition(place) : undefined;
  const order = lexer.accept("ORDER", "BY") ? parseOrder(lexer) : undefined;
  const limit = lexer.accept("LIMIT") ? parseSum(place) : undefined;
  return (db, bindings, outer) => {
    const all = db.rowsOf(table);
    if (all.length === 0 && !aggregate) return [];
    const scope: Scope = { row: all[0] ?? {}, outer, bindings, db, group: all };
    let rows = where === undefined ? all : all.filter((row) => ((scope.row = row), Boolean(where(scope))));
    if (order !== undefined && rows.length > 1) rows = [...rows].sort(order);
    if (limit !== undefined && rows.length > 0) rows = rows.slice(0, Math.max(0, Number(limit(scope))));
    if (everything) return rows.map((row) => ({ ...row }));
    if (aggregate) {
      scope.group = rows;
      return [project(outputs, scope)];
    }
    return rows.map((row) => ((scope.row = row), project(outputs, scope)));
  };
}

/** A row of what was asked for. */
export function project(outputs: readonly Output[], scope: Scope): Row {
  const row: Record<string, SqlValue> = {};
  for (const { name, value } of outputs) row[name] = value(scope);
  return row;
}

export function parseOutputs(around: Place): Output[] {
  const { lexer } = around;
  const outputs: Output[] = [];
  do {
    const column = lexer.here.text;
    const value = parseSum({ ...around, tables: ["", ...around.tables] });
    outputs.push({ name: lexer.accept("AS") ? lexer.name() : column, value });
  } while (lexer.accept(","));
  return outputs;
}

function parseOrder(lexer: Lexer): (a: Row, b: Row) => number {
  const keys: { column: string; sign: number }[] = [];
  do {
    const column = lexer.name();
    keys.push({ column, sign: lexer.accept("DESC") ? -1 : (lexer.accept("ASC"), 1) });
  } while (lexer.accept(","));
  return (a, b) => {
    for (const { column, sign } of keys) {
      const order = compare(a[column] as SqlValue, b[column] as SqlValue);
      if (order !== 0) return order * sign;
    }
    return 0;
  };
}
