import { limits } from "@rbee/contracts";
import { registryOf } from "../../durable/ports.ts";
import type { ApiCaller } from "./caller.ts";

/** What a key is limited by is jobs that are open at once: no minute has to pass, one has to end. */
interface Places {
  readonly limit: number;
  readonly remaining: number;
}

const placesOf = async ({ env, principal }: ApiCaller): Promise<Places> => ({
  limit: limits.open_jobs_per_key_max,
  remaining: await registryOf(env, principal.colony).placesLeft(principal.key_id),
});

export async function openAiLimits(caller: ApiCaller): Promise<Record<string, string>> {
  const { limit, remaining } = await placesOf(caller);
  return {
    "x-ratelimit-limit-requests": String(limit),
    "x-ratelimit-remaining-requests": String(remaining),
    "x-ratelimit-reset-requests": "0s",
  };
}

export async function anthropicLimits(caller: ApiCaller): Promise<Record<string, string>> {
  const { limit, remaining } = await placesOf(caller);
  return {
    "anthropic-ratelimit-requests-limit": String(limit),
    "anthropic-ratelimit-requests-remaining": String(remaining),
    "anthropic-ratelimit-requests-reset": new Date().toISOString(),
  };
}
