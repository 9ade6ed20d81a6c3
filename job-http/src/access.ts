import { operationOf, RbeeError, scopes, type Scope, type Submission } from "@rbee/contracts";

/** Who is asking. The colony comes from the key, never from the request. */
export interface Principal {
  readonly colony: string;
  readonly key_id: string;
  readonly scope: Scope;
}

/** The key that a request shows, if it shows one. */
export const bearerOf = (headers: Headers): string | undefined =>
  /^Bearer\s+(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];

/** @throws RbeeError forbidden */
export function authorize(principal: Principal, needed: Scope): void {
  if (scopes.indexOf(principal.scope) < scopes.indexOf(needed)) {
    throw new RbeeError("forbidden", `this needs a key of scope ${needed}; yours has ${principal.scope}`);
  }
}

/** Whether a key may submit this. Before all others come only jobs of operators. @throws RbeeError forbidden */
export function authorizeSubmission(principal: Principal, { operation, input }: Submission): void {
  authorize(principal, operationOf(operation).scope);
  if (input["priority"] === "high" && scopes.indexOf(principal.scope) < scopes.indexOf("operator"))
    throw new RbeeError("forbidden", `priority: high needs a key of scope operator; yours has ${principal.scope}`);
}
