import { idempotencyKey, type Principal } from "@rbee/job-http";
import type { Context } from "hono";
import type { Env } from "../../env.ts";
import { authenticate, secretOf } from "../auth.ts";
import { Patience } from "./patience.ts";

/** One request of an API that others defined, once its key was looked at. */
export interface ApiCaller {
  readonly env: Env;
  readonly principal: Principal;
  readonly secret: string;
  readonly headers: Headers;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  /** The client's name for its request. */
  readonly idempotency: string | undefined;
  /** It may come back for the answer (it named its request, or says so), so its leaving is given a grace. */
  readonly resumable: boolean;
  /** How long the answer's headers may wait; hears what the jobs of this request say. */
  readonly patience: Patience;
  /** Work that outlives the request. */
  readonly later: (work: Promise<unknown>) => void;
}

export type ApiEnv = { Bindings: Env; Variables: { caller: ApiCaller } };

/** @throws RbeeError unauthorized, invalid_input */
export async function admit({ req, env, executionCtx }: Context<ApiEnv>): Promise<ApiCaller> {
  const principal = await authenticate(withBearer(req.raw), env);
  const idempotency = idempotencyKey(req.raw.headers);
  return {
    env,
    principal,
    secret: secretOf(env),
    headers: req.raw.headers,
    signal: req.raw.signal,
    patience: new Patience(),
    idempotency,
    resumable: idempotency !== undefined || req.header("x-rbee-resumable") === "true",
    later: (work) => executionCtx.waitUntil(work),
  };
}

/** Anthropic's clients show their key in a header of their own. */
function withBearer(request: Request): Request {
  const key = request.headers.get("x-api-key");
  if (key === null || request.headers.has("authorization")) return request;
  return new Request(request.url, { headers: { authorization: `Bearer ${key}` } });
}
