import { authorize } from "@rbee/job-http";
import { Hono } from "hono";
import { registryOf } from "../durable/ports.ts";
import type { Env } from "../env.ts";
import { authenticate } from "./auth.ts";

/** The fleet for Prometheus: `authorization: {credentials: <an operator's key>}` in its scrape configuration. */
export const metrics = new Hono<{ Bindings: Env }>();

metrics.get("/", async (c) => {
  const principal = await authenticate(c.req.raw, c.env);
  authorize(principal, "operator");
  const text = await registryOf(c.env, principal.colony).metrics();
  return c.body(text, 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8", "cache-control": "no-store" });
});
