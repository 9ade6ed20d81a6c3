import type { OperationName, OperationRequest } from "@rbee/contracts";
import { camel, type Camel } from "./names.ts";
import type { NeedsNothing, Operation } from "./operation.ts";
import { operationNames } from "./operation-names.ts";
import { RbeeClient } from "./rbee-client.ts";

/** The client by an address and a key, for programs that build operations and read lines. */
export class HiveClient extends RbeeClient {
  constructor(url: string | URL, key?: string) {
    super({ url, key });
  }
}

/** What needs nothing but a hive is built from its name alone. */
type Given<K extends OperationName> =
  | OperationRequest<K>
  | ({ readonly hive_id: string } extends OperationRequest<K>
      ? "hive_id" extends keyof OperationRequest<K>
        ? string
        : never
      : never);

type Build<K extends OperationName> =
  NeedsNothing<K> extends true ? (given?: Given<K>) => Operation<K> : (given: Given<K>) => Operation<K>;

type Builder = { readonly [K in OperationName as Camel<K>]: Build<K> };

/** `OperationBuilder.modelList("den")`, `OperationBuilder.infer({ model, prompt })`: for `submitAndStream`. */
export const OperationBuilder = Object.fromEntries(
  operationNames.map((operation) => [
    camel(operation),
    (given: string | object = {}) => ({ operation, ...(typeof given === "string" ? { hive_id: given } : given) }),
  ]),
) as unknown as Builder;
