import type { z } from "zod";
import type { HandlerEvent } from "./events.ts";

/**
 * Who runs the handler: `queen` answers from its own state, `hive` is the machine named in the input,
 * `worker` means the queen chooses a hive that has (or can load) the model.
 */
export type Executor = "queen" | "hive" | "worker";

/** Least key scope that may submit the operation. Each scope includes the ones before it. */
export const scopes = ["infer", "operator", "admin"] as const;
export type Scope = (typeof scopes)[number];

/** Does a key of this scope have what is needed? */
export const reaches = (scope: Scope, needed: Scope): boolean => scopes.indexOf(scope) >= scopes.indexOf(needed);

/** One row of the operations table. */
export interface Operation {
  readonly executor: Executor;
  readonly scope: Scope;
  readonly summary: string;
  readonly input: z.ZodObject;
  /** What the handler may yield before its result. */
  readonly progress: z.ZodType<HandlerEvent>;
  readonly result: z.ZodObject;
  /** The result holds a secret that is kept nowhere else: its job is forgotten after a minute. */
  readonly secret?: true;
  /** When the hive that runs it is lost: run it again, only if no token was shown yet, or never. */
  readonly rerun: "always" | "unseen" | "never";
  /** Input fields that are for the queen alone: hives never see them, so those a version behind need not know them. */
  readonly queen_only?: readonly string[];
  /** When the hive it needs is not connected: fail, wait in the queue, or let the queen answer what it last knew. */
  readonly offline: "fail" | "wait" | "last_known";
}

export type Table = Readonly<Record<string, Operation>>;

/** Input as the handler gets it, defaults filled in. */
export type InputOf<T extends Table, K extends keyof T> = z.output<T[K]["input"]>;
/** Input as a caller may write it. */
export type RequestOf<T extends Table, K extends keyof T> = z.input<T[K]["input"]>;
export type ProgressOf<T extends Table, K extends keyof T> = z.output<T[K]["progress"]>;
export type ResultOf<T extends Table, K extends keyof T> = z.output<T[K]["result"]>;

type Where<T extends Table, Column extends keyof Operation, Value> = {
  [K in keyof T & string]: T[K][Column] extends Value ? K : never;
}[keyof T & string];

/** Names of the rows that one executor must handle. */
export type NamesFor<T extends Table, E extends Executor> = Where<T, "executor", E>;

/** Names of the rows that the queen answers from memory while their hive is away. */
export type LastKnownNames<T extends Table> = Where<T, "offline", "last_known">;

/** Yield progress, return the result, throw an RbeeError; what the context holds is the executor's affair. */
export type Handler<T extends Table, K extends keyof T, Context> = (
  input: InputOf<T, K>,
  context: Context,
) => AsyncGenerator<ProgressOf<T, K>, ResultOf<T, K>, void>;

/** A handler for every row of one executor: a missing one does not compile. */
export type Handlers<T extends Table, E extends Executor, Context> = {
  readonly [K in NamesFor<T, E>]: Handler<T, K, Context>;
};
