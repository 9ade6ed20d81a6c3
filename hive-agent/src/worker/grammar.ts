import { limits, RbeeError, type Generation, type Tool } from "@rbee/contracts";
import {
  LlamaGrammarEvaluationState,
  type GbnfJsonBasicSchema,
  type Llama,
  type LlamaGrammar,
  type LlamaModel,
  type Token,
} from "node-llama-cpp";
import { looseSchema, looseValue } from "./loose-schema.ts";
import { markOf, type CallFormat } from "./tools/call-format.ts";

/** What a structured answer needs; `stopTexts` end it, since a grammar allows white space for ever after its end. */
export interface AnswerGrammar {
  readonly state: LlamaGrammarEvaluationState;
  readonly stopTexts: readonly string[];
  /** Takes a token that was generated before. */
  accept(token: Token): void;
}

export interface GrammarEngine {
  readonly llama: Llama;
  readonly model: LlamaModel;
}

type Format = Generation["response_format"];

export async function answerGrammar(engine: GrammarEngine, format: Format): Promise<AnswerGrammar | undefined> {
  const grammar = await grammarOf(engine.llama, format);
  return grammar === undefined ? undefined : answering(engine, grammar);
}

async function grammarOf(llama: Llama, format: Format): Promise<LlamaGrammar | undefined> {
  if (format.type === "text") return undefined;
  if (format.type === "json_object") return await llama.getGrammarFor("json");
  const schema = format.strict === false ? looseValue(format.schema) : supportedSchema(format.schema);
  return await compile(llama, schema as GbnfJsonBasicSchema);
}

/** An answer in its format, or calls of these tools instead. Behind a call's name is its arguments' own grammar. */
export async function answerOrCallGrammar(
  engine: GrammarEngine,
  format: Format,
  { names, call }: { names: readonly string[]; call: CallFormat },
): Promise<AnswerGrammar | undefined> {
  const answer = await grammarOf(engine.llama, format);
  if (answer === undefined) return undefined;
  const literal = (text: string) => JSON.stringify(text);
  const key = literal(literal(call.nameKey));
  const called = names.map((name) => literal(literal(name))).join(" | ");
  const grammar = [
    "root ::= answer | free-space call",
    `call ::= ${literal(markOf(call))} free-space "{" free-space ${key} free-space ":" free-space (${called}) [^\\x00]*`,
    "free-space ::= [ \\n]? [ \\n]? [ ]?",
    // The answer ends where it is whole: then no white space behind it has to be stopped.
    answer.grammar.replace(/^root\s+::=/m, "answer ::=").replace(STOPPED_SPACE, "$1"),
  ].join("\n");
  return answering(engine, await engine.llama.createGrammar({ grammar }));
}

/** With which the engine's grammars of schemas end. */
const STOPPED_SPACE = /^(answer ::= .*) "\\n\\n\\n\\n" \[\\n\]\*$/m;

/** A call of one of these tools, as the model's template would have it written. */
export async function callGrammar(
  engine: GrammarEngine,
  tools: readonly Tool[],
  { nameKey, argumentsKey }: Pick<CallFormat, "nameKey" | "argumentsKey">,
): Promise<AnswerGrammar> {
  const calls = tools.map(({ function: { name, parameters } }) => ({
    type: "object",
    properties: { [nameKey]: { const: name }, [argumentsKey]: looseSchema(parameters) },
    required: [nameKey, argumentsKey],
    additionalProperties: false,
  }));
  const [only] = calls;
  const schema = calls.length === 1 ? only : { oneOf: calls };
  return answering(engine, await compile(engine.llama, schema as unknown as GbnfJsonBasicSchema));
}

/** Arguments of one tool. A space in front of them is as good as none. */
export async function argumentsGrammar(engine: GrammarEngine, parameters: unknown): Promise<AnswerGrammar> {
  const exact = await compile(engine.llama, looseSchema(parameters) as unknown as GbnfJsonBasicSchema);
  const grammar = exact.grammar.replace(/^root ::= /m, "root ::= [ ]? ");
  return answering(engine, await engine.llama.createGrammar({ grammar }));
}

function answering({ llama, model }: GrammarEngine, grammar: LlamaGrammar): AnswerGrammar {
  const stopTexts = grammar.stopGenerationTriggers.map((trigger) => trigger.toString());
  const state = new LlamaGrammarEvaluationState({ model, grammar });
  return { state, stopTexts, accept: (token) => acceptToken(llama, state, token) };
}

/** The engine accepts tokens on a grammar only while it samples; for those it did not there is only its inner way. */
function acceptToken(llama: Llama, state: LlamaGrammarEvaluationState, token: Token): void {
  const engine = llama as unknown as { readonly [BINDINGS]: { readonly AddonSampler: GrammarAcceptor } };
  const inner = (state as unknown as { readonly [STATE]: unknown })[STATE];
  engine[BINDINGS].AddonSampler.acceptGrammarEvaluationStateToken(inner, token);
}

const BINDINGS = "_bindings";
const STATE = "_state";
interface GrammarAcceptor {
  acceptGrammarEvaluationStateToken(state: unknown, token: Token): void;
}

async function compile(llama: Llama, schema: GbnfJsonBasicSchema) {
  try {
    return await llama.createGrammarForJsonSchema(schema);
  } catch (error) {
    throw new RbeeError("invalid_input", `response_format: ${error instanceof Error ? error.message : "no grammar"}`);
  }
}

type Json = Record<string, unknown>;

const annotations = ["title", "description", "default", "examples", "$schema", "$id", "$comment", "$defs"];
/** Keywords the engine's grammar honours, by kind of schema. What it does not know it would silently ignore. */
const keywords = {
  object: ["type", "properties", "required", "additionalProperties", "minProperties", "maxProperties"],
  array: ["type", "items", "prefixItems", "minItems", "maxItems"],
  string: ["type", "minLength", "maxLength", "format"],
  basic: ["type"],
  const: ["const", "type"],
  enum: ["enum", "type"],
  oneOf: ["oneOf"],
  $ref: ["$ref"],
} as const;
const basicTypes = ["string", "number", "integer", "boolean", "null"];
const formats = ["date-time", "time", "date"];
const repetitions = ["minProperties", "maxProperties", "minItems", "maxItems", "minLength", "maxLength"];

/** The schema in the engine's terms; its type stands for any of them. @throws RbeeError invalid_input that names the part it cannot promise */
export function supportedSchema(schema: Json): GbnfJsonBasicSchema {
  const size = JSON.stringify(schema).length;
  if (size > limits.json_schema_bytes_max) refuse("#", `is longer than ${limits.json_schema_bytes_max} bytes`);
  const defs = Object.keys(schema["$defs"] ?? {});
  return convert(schema, "#", defs) as GbnfJsonBasicSchema;
}

function convert(schema: unknown, at: string, defs: readonly string[]): Json {
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) refuse(at, "must be a schema object");
  // Every value that fits one branch of anyOf fits anyOf, so the grammar of oneOf serves for both.
  const { anyOf, ...rest } = withinBounds(schema as Json);
  const node: Json = anyOf === undefined ? rest : { ...rest, oneOf: anyOf };
  const kind = kindOf(node, at);
  const known: readonly string[] = [...keywords[kind], ...annotations];
  const unknown = Object.keys(node).find((key) => !known.includes(key));
  if (unknown !== undefined) refuse(at, `uses \`${unknown}\`, which the grammar cannot enforce here`);
  checkValues(node, at, defs);
  return convertChildren(node, at, defs);
}

/** Whole numbers between near bounds are a list of them; bounds that every exact number keeps say nothing. */
function withinBounds(schema: Json): Json {
  const { minimum, maximum, ...rest } = schema;
  if (rest["type"] !== "integer" && rest["type"] !== "number") return schema;
  const [low, high] = [Number(minimum), Number(maximum)];
  if (rest["type"] === "integer" && high - low < limits.json_schema_repeat_max && low <= high) {
    const first = Math.ceil(low);
    return { enum: Array.from({ length: Math.floor(high) - first + 1 }, (_, n) => first + n) };
  }
  return {
    ...rest,
    ...(minimum === undefined || low <= Number.MIN_SAFE_INTEGER ? {} : { minimum }),
    ...(maximum === undefined || high >= Number.MAX_SAFE_INTEGER ? {} : { maximum }),
  };
}

function kindOf(node: Json, at: string): keyof typeof keywords {
  for (const kind of ["$ref", "const", "enum", "oneOf"] as const) if (kind in node) return kind;
  const { type } = node;
  if (type === "object" || type === "array" || type === "string") return type;
  const types = Array.isArray(type) ? type : [type];
  if (types.length > 0 && types.every((one) => basicTypes.includes(one as string))) return "basic";
  refuse(at, `has no type the grammar knows (${["object", "array", ...basicTypes].join(", ")})`);
}

function checkValues(node: Json, at: string, defs: readonly string[]): void {
  for (const key of repetitions) {
    const value = node[key];
    if (value === undefined) continue;
    const fits =
      Number.isInteger(value) && (value as number) >= 0 && (value as number) <= limits.json_schema_repeat_max;
    if (!fits) refuse(at, `\`${key}\` must be a whole number from 0 to ${limits.json_schema_repeat_max}`);
  }
  const { $ref, format, required, properties } = node;
  if (format !== undefined && !formats.includes(format as string))
    refuse(at, `\`format\` can be ${formats.join(", ")}`);
  if ($ref !== undefined && !defs.some((name) => $ref === `#/$defs/${name}`))
    refuse(at, "`$ref` must name one of `$defs`");
  const literals = "const" in node ? [node["const"]] : (node["enum"] ?? []);
  if (!Array.isArray(literals) || literals.some((value) => typeof value === "object" && value !== null)) {
    refuse(at, "`const` and `enum` can hold strings, numbers, booleans and null");
  }
  const missing = ((required ?? []) as string[]).find((name) => !Object.hasOwn((properties ?? {}) as Json, name));
  if (missing !== undefined) refuse(at, `requires ${JSON.stringify(missing)}, which \`properties\` does not describe`);
}

function convertChildren(node: Json, at: string, defs: readonly string[]): Json {
  const child = (key: string) => (value: unknown) => convert(value, `${at}/${key}`, defs);
  const each = (key: string) => (value: unknown) =>
    Array.isArray(value) ? value.map(child(key)) : refuse(at, `\`${key}\` must be a list of schemas`);
  const named = (key: string) => (value: unknown) =>
    Object.fromEntries(
      Object.entries(value as Json).map(([name, one]) => [name, convert(one, `${at}/${key}/${name}`, defs)]),
    );
  const converters: Record<string, (value: unknown) => unknown> = {
    properties: named("properties"),
    $defs: named("$defs"),
    items: child("items"),
    prefixItems: each("prefixItems"),
    oneOf: each("oneOf"),
    additionalProperties: (value) => (typeof value === "boolean" ? value : child("additionalProperties")(value)),
  };
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, converters[key]?.(value) ?? value]));
}

function refuse(at: string, reason: string): never {
  throw new RbeeError("invalid_input", `response_format: the schema at ${at.slice(0, 200)} ${reason}`);
}
