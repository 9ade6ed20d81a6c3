import { limits } from "@rbee/contracts";
import { registryOf } from "../../durable/ports.ts";
import type { ApiCaller } from "./caller.ts";

/** What a fleet is limited by is jobs that are open at once: no minute has to pass, one has to end. */
export async function rateLimits({ env, principal }: ApiCaller): Promise<Record<string, string>> {
  const { queued, running } = await registryOf(env, principal.colony).counts();
  return {
    "x-ratelimit-limit-requests": String(limits.open_jobs_max),
    "x-ratelimit-remaining-requests": String(Math.max(0, limits.open_jobs_max - queued - running)),
    "x-ratelimit-reset-requests": "0s",
  };
}
