import { readFileSync } from "node:fs";
import { z } from "zod";
import { operationOf, type OperationName } from "@rbee/contracts";
import { live, type LiveValue } from "./live-values.ts";

/** What the keeper reads of a field's JSON schema. */
interface FieldSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly FieldSchema[];
  readonly properties?: Readonly<Record<string, FieldSchema>>;
}

export interface Field {
  readonly name: string;
  /** The object of the input that it belongs to, if not the input itself. */
  readonly parent?: string;
  readonly required: boolean;
  readonly schema: FieldSchema;
}

type Parse = (text: string) => unknown;

interface Documented {
  readonly brief: string;
  readonly optional: boolean;
}
export type FlagParameter =
  | (Documented & { readonly kind: "boolean"; readonly withNegated: boolean })
  | (Documented & { readonly kind: "enum"; readonly values: readonly string[] })
  | (Documented & {
      readonly kind: "parsed";
      readonly parse: Parse;
      readonly placeholder: string;
      readonly proposeCompletions?: ReturnType<typeof live>;
      readonly variadic?: true;
    });

/** The input fields of an operation, in the order of its row. */
export function fieldsOf(operation: OperationName): Field[] {
  const { properties = {}, required = [] } = z.toJSONSchema(operationOf(operation).input, { io: "input" });
  return Object.entries(properties).flatMap(([name, json]): Field[] => {
    const schema = json as FieldSchema;
    // Options of an operation are flags like any other.
    if (schema.type === "object" && schema.properties !== undefined) {
      const inner = Object.entries(schema.properties);
      return inner.map(([option, schema]) => ({ name: option, parent: name, required: false, schema }));
    }
    return [{ name, required: required.includes(name), schema }];
  });
}

/** Fields whose name means something else on the command line, where `--url` and `--context` are about the queen. */
const flagNames: Readonly<Record<string, string>> = { hive_id: "hive", url: "server", context: "context-size" };

/** `max_tokens` → `--max-tokens`. */
export const flagNameOf = (field: string): string => flagNames[field] ?? field.replaceAll("_", "-");

/** A command-line flag for a field: its type, its words and its default come from the operation's row. */
export function flagOf({ schema, required, name }: Field): FlagParameter {
  const words = { brief: briefOf(name, schema), optional: !required };
  if (schema.type === "boolean") return { ...words, kind: "boolean", withNegated: schema.default === true };
  if (schema.enum !== undefined) return { ...words, kind: "enum", values: schema.enum };
  const variadic = takesList(schema) ? ({ variadic: true } as const) : {};
  return {
    ...words,
    ...variadic,
    ...proposalsFor(name),
    kind: "parsed",
    parse: parserOf(schema),
    placeholder: placeholderOf(schema),
  };
}

/** An argument without a flag, for the field that a command is about. */
export function positionalOf({ schema, required, name }: Field): Documented & { parse: Parse; placeholder: string } {
  return {
    ...proposalsFor(name),
    brief: briefOf(name, schema),
    optional: !required,
    parse: parserOf(schema),
    placeholder: name.replace(/_id$/, ""),
  };
}

/** Fields whose values are known to the queen. `id` is always a model's. */
const liveFields: Readonly<Record<string, LiveValue>> = {
  hive_id: "hive",
  model: "model",
  id: "model",
  worker_id: "worker",
  worker: "worker",
};

function proposalsFor(name: string): { proposeCompletions?: ReturnType<typeof live> } {
  const kind = liveFields[name];
  return kind === undefined ? {} : { proposeCompletions: live(kind) };
}

function briefOf(name: string, schema: FieldSchema): string {
  const words = schema.description ?? name.replaceAll("_", " ");
  const plain = typeof schema.default === "string" || typeof schema.default === "number";
  return plain ? `${words} (default ${schema.default})` : words;
}

/** A field that is text or a list of texts, such as `stop`, is a flag that may be repeated. */
const takesList = (schema: FieldSchema): boolean =>
  schema.anyOf?.some(({ type }) => type === "array") === true && schema.anyOf.some(({ type }) => type === "string");

const isNumber = ({ type }: FieldSchema): boolean => type === "integer" || type === "number";

function parserOf(schema: FieldSchema): Parse {
  if (isNumber(schema)) return parseNumber;
  if (schema.type === "string" || takesList(schema)) return (text) => text;
  // `device` is a name, or the bare number that older clients send.
  if (schema.anyOf?.some(({ type }) => type === "string") === true) {
    return schema.anyOf.some(isNumber) ? (text) => (/^\d+$/.test(text) ? Number(text) : text) : (text) => text;
  }
  return parseStructure;
}

function placeholderOf(schema: FieldSchema): string {
  if (isNumber(schema)) return "n";
  return schema.type === "array" || schema.type === "object" || parserOf(schema) === parseStructure
    ? "json|@file"
    : "text";
}

function parseNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || Number.isNaN(value)) throw new SyntaxError(`${JSON.stringify(text)} is not a number`);
  return value;
}

/** JSON, or the name of a file that holds it. */
function parseStructure(text: string): unknown {
  return JSON.parse(text.startsWith("@") ? readFileSync(text.slice(1), "utf8") : text) as unknown;
}
