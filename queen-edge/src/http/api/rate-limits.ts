import { RbeeError } from "@rbee/contracts";
import { registryOf } from "../../durable/ports.ts";
import type { Allowance, Allowances } from "../../queen/quotas.ts";
import type { ApiCaller } from "./caller.ts";

type Headers = Record<string, string>;

const allowancesOf = async ({ env, principal }: ApiCaller): Promise<Allowances> =>
  registryOf(env, principal.colony).allowances(principal.key_id);

const headersOf = (allowances: Allowances, write: (what: string, allowance: Allowance) => Headers): Headers =>
  Object.fromEntries(
    Object.entries(allowances).flatMap(([what, allowance]: [string, Allowance]) =>
      Object.entries(write(what, allowance)),
    ),
  );

export async function openAiLimits(caller: ApiCaller): Promise<Headers> {
  return headersOf(await allowancesOf(caller), (what, { limit, remaining, resets_in_s }) => ({
    [`x-ratelimit-limit-${what}`]: String(limit),
    [`x-ratelimit-remaining-${what}`]: String(remaining),
    [`x-ratelimit-reset-${what}`]: `${resets_in_s}s`,
  }));
}

export async function anthropicLimits(caller: ApiCaller): Promise<Headers> {
  return headersOf(await allowancesOf(caller), (what, { limit, remaining, resets_in_s }) => ({
    [`anthropic-ratelimit-${what}-limit`]: String(limit),
    [`anthropic-ratelimit-${what}-remaining`]: String(remaining),
    [`anthropic-ratelimit-${what}-reset`]: new Date(Date.now() + resets_in_s * 1_000).toISOString(),
  }));
}

/** More jobs than a key is ever allowed are no matter of waiting. @throws RbeeError invalid_input */
export async function mustBeAllowed(
  caller: ApiCaller,
  jobs: number,
  { together }: { /** They are open at once, or the request is none. */ readonly together: boolean },
): Promise<void> {
  if (jobs <= 1) return;
  const { colony, key_id } = caller.principal;
  const { requests_per_minute = Infinity, concurrent = Infinity } = await registryOf(caller.env, colony).limitsOf(
    key_id,
  );
  const atOnce = together ? concurrent : Infinity;
  if (jobs <= Math.min(requests_per_minute, atOnce)) return;
  const most = jobs > requests_per_minute ? `${requests_per_minute} a minute` : `${atOnce} at once`;
  throw new RbeeError(
    "invalid_input",
    `this request is ${jobs} jobs, and its key may have ${most}: ask for less at a time`,
  );
}
