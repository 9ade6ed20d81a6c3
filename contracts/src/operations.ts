import type { InputOf, Operation, RequestOf, ResultOf } from "./operation.ts";
import { fleetOperations } from "./operations/fleet.ts";
import { inferenceOperations } from "./operations/inference.ts";
import { keyOperations } from "./operations/keys.ts";
import { loadingOperations } from "./operations/loading.ts";
import { modelOperations } from "./operations/models.ts";
import { usageOperations } from "./operations/usage.ts";
import { workerOperations } from "./operations/workers.ts";

/** Every operation of the system, one row each. The router, the SDK, the keeper and the docs read this table. */
export const operations = {
  ...fleetOperations,
  ...modelOperations,
  ...loadingOperations,
  ...workerOperations,
  ...inferenceOperations,
  ...usageOperations,
  ...keyOperations,
} as const;

export type Operations = typeof operations;
export type OperationName = keyof Operations;
export type OperationInput<K extends OperationName> = InputOf<Operations, K>;
export type OperationRequest<K extends OperationName> = RequestOf<Operations, K>;
export type OperationResult<K extends OperationName> = ResultOf<Operations, K>;

export const operationNames = Object.keys(operations) as OperationName[];

/** The row of a name that is known to be one. */
export const operationOf = (name: OperationName): Operation => operations[name];
