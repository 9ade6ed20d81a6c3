import { uiResponse } from "@rbee/job-http";
import type { MiddlewareHandler } from "hono";
import type { Env } from "../env.ts";

/** The interface, for browsers; what it does not know goes on to the API. */
export const ui: MiddlewareHandler<{ Bindings: Env }> = async ({ req, env }, next) => {
  const assets = env.ASSETS;
  if (assets === undefined) return next();
  const answer = await uiResponse(req.raw, async (path) => {
    const file = await assets.fetch(new Request(`https://ui/${path}`));
    return file.ok && file.body !== null ? file.body : undefined;
  });
  return answer ?? next();
};
