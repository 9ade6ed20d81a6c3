import type { SqlValue } from "@rbee/job-core";
import type { Expression, Place, Scope } from "./scope.ts";
import { compare } from "./table.ts";

const truth = (value: boolean): SqlValue => (value ? 1 : 0);

export function parseCondition(place: Place): Expression {
  const { lexer } = place;
  let left = parseComparison(place);
  while (lexer.accept("AND")) {
    const [a, b] = [left, parseComparison(place)];
    left = (scope) => (a(scope) ? b(scope) : 0);
  }
  return left;
}

const signs: Readonly<Record<string, (order: number) => boolean>> = {
  "=": (order) => order === 0,
  "<>": (order) => order !== 0,
  "<": (order) => order < 0,
  "<=": (order) => order <= 0,
  ">": (order) => order > 0,
  ">=": (order) => order >= 0,
};

function parseComparison(place: Place): Expression {
  const { lexer } = place;
  const left = parseTuple(place);
  const [first] = left;
  if (first === undefined) return lexer.fail("a value");
  if (lexer.accept("IS", "NOT", "NULL")) return (scope) => truth(first(scope) !== null);
  if (lexer.accept("IS", "NULL")) return (scope) => truth(first(scope) === null);
  const holds = signs[lexer.here.text];
  if (holds === undefined) return left.length === 1 ? first : lexer.fail("a comparison");
  lexer.take();
  const right = parseTuple(place);
  if (left.length !== right.length) lexer.fail("as many values on both sides");
  return (scope) => {
    let order = 0;
    for (let i = 0; i < left.length && order === 0; i++) {
      const [a, b] = [(left[i] as Expression)(scope), (right[i] as Expression)(scope)];
      if (a === null || b === null) return null;
      order = compare(a, b);
    }
    return truth(holds(order));
  };
}

/** One value, or `(a, b)`. */
function parseTuple(place: Place): Expression[] {
  const { lexer } = place;
  if (!lexer.accept("(")) return [parseSum(place)];
  const items = lexer.here.text.toUpperCase() === "SELECT" ? [parseSubquery(place)] : [parseSum(place)];
  while (lexer.accept(",")) items.push(parseSum(place));
  lexer.expect(")");
  return items;
}

export function parseSum(place: Place): Expression {
  const { lexer } = place;
  let left = parseValue(place);
  for (;;) {
    const sign = lexer.accept("+") ? 1 : lexer.accept("-") ? -1 : 0;
    if (sign === 0) return left;
    const [a, b] = [left, parseValue(place)];
    left = (scope) => {
      const [x, y] = [a(scope), b(scope)];
      return x === null || y === null ? null : Number(x) + sign * Number(y);
    };
  }
}

function parseValue(place: Place): Expression {
  const { lexer, tables } = place;
  const token = lexer.take();
  if (token.kind === "number") return () => Number(token.text);
  if (token.kind === "string") return () => token.text;
  if (token.text.startsWith("?")) {
    const index = lexer.binding(token.text);
    return ({ bindings }) => bindings[index] ?? null;
  }
  if (token.text === "(") {
    const [inner] = [lexer.here.text.toUpperCase() === "SELECT" ? parseSubquery(place) : parseSum(place)];
    lexer.expect(")");
    return inner;
  }
  if (token.kind !== "word") return lexer.fail("a value");
  if (token.text.toUpperCase() === "NULL") return () => null;
  if (lexer.accept("(")) return parseCall(place, token.text.toLowerCase());
  if (!lexer.accept(".")) return column(token.text);
  const name = lexer.name();
  return tables[0] === token.text ? column(name) : outerColumn(name);
}

function column(name: string): Expression {
  return ({ row }) => {
    const value = row[name];
    if (value === undefined) throw new Error(`no column ${name}`);
    return value;
  };
}

const outerColumn = (name: string): Expression => {
  const inner = column(name);
  return ({ outer }) => {
    if (outer === undefined) throw new Error(`no table around ${name}`);
    return inner(outer);
  };
};

function parseSubquery(place: Place): Expression {
  const select = place.select(place);
  return (scope) => Object.values(select(scope.db, scope.bindings, scope)[0] ?? { none: null })[0] ?? null;
}

function parseCall(place: Place, name: string): Expression {
  const { lexer } = place;
  const all = lexer.accept("*");
  const items = all ? [] : [parseSum(place)];
  while (lexer.accept(",")) items.push(parseSum(place));
  lexer.expect(")");
  const [item, other] = items;
  if (name === "count" && all) return ({ group }) => group.length;
  if (item === undefined) return lexer.fail("an argument");
  const values = (scope: Scope) => scope.group.map((row) => item({ ...scope, row })).filter((value) => value !== null);
  switch (name) {
    case "coalesce":
      return (scope) => item(scope) ?? (other as Expression)(scope);
    case "length":
      // SQLite counts code points.
      return (scope) => Array.from(String(item(scope))).length;
    case "max":
      return (scope) => values(scope).reduce<SqlValue>((max, value) => (compare(value, max) > 0 ? value : max), null);
    case "sum":
      return (scope) => values(scope).reduce<SqlValue>((sum, value) => Number(sum ?? 0) + Number(value), null);
    default:
      return lexer.fail("a known function");
  }
}
