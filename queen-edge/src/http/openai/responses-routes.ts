import { Hono } from "hono";
import type { ApiEnv } from "../api/caller.ts";
import { readBody } from "../api/body.ts";
import { BadRequest } from "./errors.ts";
import {
  cancelResponse,
  countInput,
  createResponse,
  deleteResponse,
  getResponse,
  listInputItems,
  streamResponse,
} from "./responses.ts";

export const responses = new Hono<ApiEnv>();

responses.post("/", async (c) => createResponse(await readBody(c.req.raw), c.var.caller));
responses.post("/input_tokens", async (c) => countInput(await readBody(c.req.raw), c.var.caller));
responses.get("/:id", async (c) => {
  const id = c.req.param("id");
  if (c.req.query("stream") !== "true") return getResponse(id, c.var.caller);
  const after = Number(c.req.query("starting_after") ?? -1);
  if (!Number.isInteger(after))
    throw new BadRequest("'starting_after' is a whole number.", "starting_after", "invalid_type");
  return streamResponse(id, after, c.var.caller);
});
responses.get("/:id/input_items", (c) => listInputItems(c.req.param("id"), c.req.query(), c.var.caller));
responses.post("/:id/cancel", (c) => cancelResponse(c.req.param("id"), c.var.caller));
responses.delete("/:id", (c) => deleteResponse(c.req.param("id"), c.var.caller));
