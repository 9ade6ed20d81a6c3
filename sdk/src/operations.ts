import type { OperationName, OperationRequest } from "@rbee/contracts";
import type { Call, CallOptions } from "./call.ts";
import { pathOf, synonyms, type Names, type PathOf } from "./names.ts";
import type { NeedsNothing } from "./operation.ts";
import { operationNames } from "./operation-names.ts";

/** One operation: its fields, and how it is to be called. */
export type Method<K extends OperationName> =
  NeedsNothing<K> extends true
    ? (input?: OperationRequest<K>, options?: CallOptions) => Call<K>
    : (input: OperationRequest<K>, options?: CallOptions) => Call<K>;

type Groups = PathOf<keyof Names>[0];
type MethodsOf<Group extends string> = {
  readonly [
    Name in keyof Names as PathOf<Name> extends readonly [Group, infer Verb extends string] ? Verb : never
  ]: Method<Names[Name]>;
};

/** Every operation of the table by the path that its name gives: `models.download`, `hives.list`, `infer`. */
export type OperationMethods = {
  // oxlint-disable-next-line typescript/no-generated-empty-object-type -- only of a group that does not exist
  readonly [Group in Exclude<Groups, OperationName>]: MethodsOf<Group>;
} & { readonly [K in Extract<Groups, OperationName>]: Method<K> };

type Send = (operation: OperationName, input: object, options?: CallOptions) => unknown;

/** The methods, each of which sends its operation. A synonym goes as it is: the queen knows what it means. */
export function operationMethods(send: Send): OperationMethods {
  const methods: Record<string, unknown> = {};
  for (const name of [...operationNames, ...Object.keys(synonyms)]) {
    const method = (input: object = {}, options?: CallOptions) => send(name as OperationName, input, options);
    const [group, verb] = pathOf(name);
    if (verb === undefined) methods[group] = method;
    else methods[group] = { ...(methods[group] as object | undefined), [verb]: method };
  }
  return methods as OperationMethods;
}
