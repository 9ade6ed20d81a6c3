import type { SqlValue } from "@rbee/job-core";
import { parseCondition, parseSum } from "./expression.ts";
import { Lexer } from "./lexer.ts";
import type { Expression, Place, Scope, Statement, Tables } from "./scope.ts";
import { parseOutputs, parseSelect, project } from "./select.ts";
import type { Row, Schema } from "./table.ts";

const compiled = new Map<string, Statement>();

/** Compiles a statement once per text. What it does not understand throws: nothing is silently left out. */
export function compile(sql: string): Statement {
  let statement = compiled.get(sql);
  if (statement === undefined) {
    const lexer = new Lexer(sql);
    statement = parse(lexer);
    lexer.end();
    compiled.set(sql, statement);
  }
  return statement;
}

function parse(lexer: Lexer): Statement {
  switch (lexer.here.text.toUpperCase()) {
    case "CREATE":
      return parseCreate(lexer);
    case "INSERT":
      return parseInsert(lexer);
    case "UPDATE":
      return parseUpdate(lexer);
    case "DELETE":
      return parseDelete(lexer);
    case "SELECT":
      return parseSelect(placeOf(lexer));
    default:
      return lexer.fail("a statement");
  }
}

const placeOf = (lexer: Lexer, ...tables: string[]): Place => ({ lexer, tables, select: parseSelect });

function parseCreate(lexer: Lexer): Statement {
  lexer.expect("CREATE", "TABLE");
  const unless = lexer.accept("IF", "NOT", "EXISTS");
  const schema = parseSchema(lexer, lexer.name());
  lexer.accept("WITHOUT", "ROWID");
  return (db) => {
    db.create(schema, unless);
    return [];
  };
}

function parseSchema(lexer: Lexer, name: string): Schema {
  const columns: string[] = [];
  const unique: string[] = [];
  const checks: Record<string, SqlValue> = {};
  let primaryKey: string[] = [];
  let rowid: string | undefined;
  lexer.expect("(");
  do {
    if (lexer.accept("PRIMARY", "KEY")) {
      primaryKey = lexer.names();
      continue;
    }
    const column = lexer.name();
    const type = lexer.name().toUpperCase();
    columns.push(column);
    if (lexer.accept("PRIMARY", "KEY")) {
      primaryKey = [column];
      if (type === "INTEGER") rowid = column;
    }
    if (lexer.accept("UNIQUE")) unique.push(column);
    if (lexer.accept("NOT", "NULL")) continue;
    if (lexer.accept("CHECK", "(")) {
      lexer.expect(column.toUpperCase(), "=");
      checks[column] = Number(lexer.take().text);
      lexer.expect(")");
    }
  } while (lexer.accept(","));
  lexer.expect(")");
  const blank = Object.fromEntries(columns.map((column) => [column, null]));
  return { name, columns, blank, primaryKey, rowid, unique, checks };
}

function parseInsert(lexer: Lexer): Statement {
  lexer.expect("INSERT");
  const otherwise = lexer.accept("OR", "REPLACE") ? "replace" : lexer.accept("OR", "IGNORE") ? "ignore" : "fail";
  lexer.expect("INTO");
  const table = lexer.name();
  const columns = lexer.here.text === "(" ? lexer.names() : undefined;
  lexer.expect("VALUES", "(");
  const values = [parseSum(placeOf(lexer))];
  while (lexer.accept(",")) values.push(parseSum(placeOf(lexer)));
  lexer.expect(")");
  const returning = lexer.accept("RETURNING") ? parseOutputs(placeOf(lexer, table)) : undefined;
  return (db, bindings) => {
    const into = db.write(table);
    const names = columns ?? into.schema.columns;
    const row = into.blank();
    const scope: Scope = { row, outer: undefined, bindings, db, group: [] };
    for (let i = 0; i < values.length; i++) row[names[i] as string] = (values[i] as Expression)(scope);
    const inserted = into.insert(row, otherwise);
    return returning === undefined || inserted === undefined ? [] : [project(returning, { ...scope, row: inserted })];
  };
}

function parseUpdate(lexer: Lexer): Statement {
  lexer.expect("UPDATE");
  const table = lexer.name();
  lexer.expect("SET");
  const sets: { column: string; value: Expression }[] = [];
  do {
    const column = lexer.name();
    lexer.expect("=");
    sets.push({ column, value: parseSum(placeOf(lexer, table)) });
  } while (lexer.accept(","));
  const where = lexer.accept("WHERE") ? parseCondition(placeOf(lexer, table)) : undefined;
  return (db, bindings) => {
    const target = db.write(table);
    const scope = scopeOf(db, bindings);
    target.rows = target.rows.map((row) => {
      scope.row = row;
      if (where !== undefined && !where(scope)) return row;
      const changed: Record<string, SqlValue> = { ...row };
      for (const { column, value } of sets) changed[column] = value(scope);
      return changed;
    });
    return [];
  };
}

function parseDelete(lexer: Lexer): Statement {
  lexer.expect("DELETE", "FROM");
  const table = lexer.name();
  const where = lexer.accept("WHERE") ? parseCondition(placeOf(lexer, table)) : undefined;
  const returning = lexer.accept("RETURNING") ? parseOutputs(placeOf(lexer, table)) : undefined;
  return (db, bindings) => {
    const target = db.write(table);
    const scope = scopeOf(db, bindings);
    const gone: Row[] = [];
    target.rows = target.rows.filter((row) => {
      scope.row = row;
      const hit = where === undefined || Boolean(where(scope));
      if (hit) gone.push(row);
      return !hit;
    });
    return returning === undefined ? [] : gone.map((row) => project(returning, { ...scope, row }));
  };
}

const scopeOf = (db: Tables, bindings: readonly SqlValue[]): Scope => ({
  row: {},
  outer: undefined,
  bindings,
  db,
  group: [],
});
