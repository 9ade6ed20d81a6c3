import type {
  JobEvent,
  OperationName,
  OperationRequest,
  OperationResult,
  Operations,
  ProgressOf,
} from "@rbee/contracts";

/** An operation with its fields, as it is submitted. */
export type Operation<K extends OperationName = OperationName> = {
  [Name in K]: { readonly operation: Name } & OperationRequest<Name>;
}[K];

/** Whether all its fields may be left out. One without fields has an index of none. */
export type NeedsNothing<K extends OperationName> = string extends keyof OperationRequest<K>
  ? true
  : Partial<OperationRequest<K>> extends OperationRequest<K>
    ? true
    : false;

type Said<Type extends JobEvent["type"]> = Extract<JobEvent, { type: Type }>;

/** What the stream of one operation's jobs says. */
export type EventOf<K extends OperationName> =
  | ProgressOf<Operations, K>
  | Said<"state" | "attempt" | "error">
  | { readonly type: "result"; readonly result: OperationResult<K> };
