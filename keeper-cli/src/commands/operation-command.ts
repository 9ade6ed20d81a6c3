import { buildCommand, type Command, type CommandContext } from "@stricli/core";
import { operationOf, type OperationName } from "@rbee/contracts";
import { RbeeError, type OperationRequest, type OperationResult } from "@rbee/sdk";
import { fieldsOf, flagNameOf, flagOf, positionalOf, type Field } from "./field-flags.ts";
import { commonFlags, type CommonFlags } from "../common-flags.ts";
import { fail } from "../failure.ts";
import { LOCAL, namedHive } from "../queen-address.ts";
import { printResult } from "../terminal/output.ts";
import { runWatched } from "./run-watched.ts";

export interface OperationView<K extends OperationName> {
  /** Fields that are given by place instead of by flag. */
  readonly positional?: readonly (keyof OperationRequest<K> & string)[];
  readonly examples?: readonly Example[];
  /** The result in words for a person. */
  readonly render: (result: OperationResult<K>, flags: Flags) => string;
  /** What the command says instead of the row's summary. */
  readonly brief?: string;
  /** Said when Ctrl-C has cancelled the job. */
  readonly afterCancel?: string;
  /** Changes the input before it is sent: what a person leaves out may be found out. */
  readonly complete?: (input: Record<string, unknown>, flags: Flags) => Promise<Record<string, unknown>>;
  /** Every word of progress is worth a line of its own, as those of a compiler. */
  readonly verbose?: boolean;
  /** A job that succeeded may still have found something wrong. @throws RbeeError */
  readonly judge?: (result: OperationResult<K>) => void;
}

type Example = { readonly input: string; readonly brief: string };
export type Flags = Readonly<Record<string, unknown>> & CommonFlags;

/** One command for one row of the operations table: flags, defaults and help are the row's own. */
export function operationCommand<K extends OperationName>(
  operation: K,
  view: OperationView<K>,
): Command<CommandContext> {
  const fields = fieldsOf(operation);
  const places = (view.positional ?? [])
    .map((name) => fields.find((field) => field.name === name))
    .filter((f) => f !== undefined);
  const named = fields.filter((field) => !places.includes(field));
  return commandOf({
    brief: view.brief ?? operationOf(operation).summary,
    examples: view.examples ?? [],
    fields: named,
    places,
    run: async (flags, values) => {
      const given = {
        ...inputFrom(flags, fields),
        ...Object.fromEntries(
          places.map(({ name }, i) => [name, values[i]]).filter(([, value]) => value !== undefined),
        ),
      };
      requireMeaning(flags, operation);
      const input = (await view.complete?.(given, flags)) ?? given;
      const { afterCancel, verbose } = view;
      const result = await runWatched(
        { ...flags, afterCancel, verbose },
        operation,
        input as OperationRequest<K>,
      ).catch(inWordsOf(fields, places));
      printResult(flags, result, (told) => view.render(told, flags));
      view.judge?.(result);
    },
  });
}

/** The queen speaks of fields; who typed a command knows flags. */
const inWordsOf =
  (fields: readonly Field[], places: readonly Field[]) =>
  (error: unknown): never => {
    if (!(error instanceof RbeeError) || error.code !== "invalid_input") throw error;
    const typed = (name: string): string | undefined => {
      const field = fields.find((one) => one.name === name || one.parent === name);
      if (field === undefined) return undefined;
      return places.includes(field) ? `<${positionalOf(field).placeholder}>` : `--${flagNameOf(field.name)}`;
    };
    const said = error.message.replaceAll(/(?<=^|; )([a-z_]+)(?:\.[a-z_.0-9]+)?(?=: )/g, (name) => typed(name) ?? name);
    throw fail("invalid_input", said, "Add --help to see what the command takes.");
  };

/** A hive that is named where it changes nothing would be a promise that is not kept. */
function requireMeaning(flags: Flags, operation: OperationName): void {
  const hive = flags.hive !== undefined && flags.hive !== LOCAL;
  if (hive && !fieldsOf(operation).some(({ name }) => name === "hive_id"))
    throw fail("invalid_input", `${operation} is not about one hive`, "Leave --hive out, or give --hive local.");
}

export interface CommandParts {
  readonly brief: string;
  readonly examples: readonly Example[];
  readonly fields: readonly Field[];
  readonly places: readonly Field[];
  readonly extraFlags?: Readonly<Record<string, object>>;
  readonly aliases?: Readonly<Record<string, string>>;
  readonly run: (flags: Flags, values: readonly unknown[]) => Promise<void>;
}

/** Builds a command whose flags are known only at run time. */
export function commandOf({
  brief,
  examples,
  fields,
  places,
  extraFlags,
  aliases,
  run,
}: CommandParts): Command<CommandContext> {
  // `--hive` is a flag of every command.
  const own = fields.filter(({ name }) => name !== "hive_id");
  const derived = Object.fromEntries(own.map((field) => [flagNameOf(field.name), flagOf(field)]));
  const parameters = {
    flags: { ...derived, ...extraFlags, ...commonFlags },
    ...(aliases === undefined ? {} : { aliases }),
    positional: { kind: "tuple", parameters: places.map(positionalOf) },
  };
  return buildCommand<Flags, unknown[]>({
    func: (flags, ...values) => run(flags, values),
    // Stricli derives the type of the parameters from the function's, which is not known before the table is read.
    parameters: parameters as never,
    docs: examples.length === 0 ? { brief } : { brief, customUsage: [...examples] },
  });
}

/** The given fields only: defaults are the queen's to fill in. */
export function inputFrom(flags: Flags, fields: readonly Field[]): Record<string, unknown> {
  const input: Record<string, unknown> = {};
  for (const { name, parent } of fields) {
    const value = name === "hive_id" ? namedHive(flags) : flags[flagNameOf(name)];
    if (value === undefined) continue;
    if (parent === undefined) input[name] = value;
    else input[parent] = { ...(input[parent] as object | undefined), [name]: value };
  }
  return input;
}
