import { operationOf, RbeeError, reaches, type Scope, type Submission } from "@rbee/contracts";
import type { JobSpec } from "@rbee/job-core";

/** A key: what it is called, and what it may do. */
export interface Holder {
  readonly key_id: string;
  readonly scope: Scope;
}

/** Who is asking. The colony comes from the key, never from the request. */
export interface Principal extends Holder {
  readonly colony: string;
}

/** The key that a request shows, if it shows one. */
export const bearerOf = (headers: Headers): string | undefined =>
  /^Bearer\s+(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];

/** @throws RbeeError forbidden */
export function authorize({ scope }: Holder, needed: Scope, what = "this"): void {
  if (!reaches(scope, needed))
    throw new RbeeError("forbidden", `${what} needs a key of scope ${needed}; yours has ${scope}`);
}

/** Whether a key may submit this. Before all others come only jobs of operators. @throws RbeeError forbidden */
export function authorizeSubmission(principal: Principal, { operation, input }: Submission): void {
  authorize(principal, operationOf(operation).scope, operation);
  if (input["priority"] === "high") authorize(principal, "operator", "priority: high");
}

/** Whose jobs a key may see, read and cancel: its own; an operator's also those of others that it might have submitted itself. */
export const maySee = ({ key_id, scope }: Holder, job: Pick<JobSpec, "key_id" | "operation">): boolean =>
  job.key_id === key_id || (reaches(scope, "operator") && reaches(scope, operationOf(job.operation).scope));
