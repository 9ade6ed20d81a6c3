import { buildCommand, type Command, type CommandContext } from "@stricli/core";
import { operationOf, type OperationName } from "@rbee/contracts";
import type { OperationRequest, OperationResult } from "@rbee/sdk";
import { fieldsOf, flagNameOf, flagOf, positionalOf, type Field } from "./field-flags.ts";
import { commonFlags, type CommonFlags } from "../common-flags.ts";
import { printData, printJson } from "../terminal/output.ts";
import { runWatched } from "./run-watched.ts";

export interface OperationView<K extends OperationName> {
  /** Fields that are given by place instead of by flag. */
  readonly positional?: readonly (keyof OperationRequest<K> & string)[];
  readonly examples?: readonly Example[];
  /** The result in words for a person. */
  readonly render: (result: OperationResult<K>) => string;
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
    brief: operationOf(operation).summary,
    examples: view.examples ?? [],
    fields: named,
    places,
    run: async (flags, values) => {
      const input = {
        ...inputFrom(flags, named),
        ...Object.fromEntries(places.map(({ name }, i) => [name, values[i]])),
      };
      const result = await runWatched(flags, operation, input as OperationRequest<K>);
      if (flags.json === true) printJson(result);
      else printData(view.render(result));
    },
  });
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
  const derived = Object.fromEntries(fields.map((field) => [flagNameOf(field.name), flagOf(field)]));
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
  const given = fields
    .map(({ name }) => [name, flags[flagNameOf(name)]] as const)
    .filter(([, value]) => value !== undefined);
  return Object.fromEntries(given);
}
