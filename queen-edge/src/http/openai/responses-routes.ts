import { Hono, type Context } from "hono";
import type { ApiEnv } from "../api/caller.ts";
import { readBody } from "../api/body.ts";
import { BadRequest, errorAnswer } from "./errors.ts";
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

type Ask = (c: Context<ApiEnv>, id: string) => Promise<Response>;
const answering = (ask: Ask) => async (c: Context<ApiEnv>) =>
  ask(c, c.req.param("id") ?? "").catch((error: unknown) => errorAnswer(error));

responses.post(
  "/",
  answering(async (c) => createResponse(await readBody(c.req.raw), c.var.caller)),
);

responses.post(
  "/input_tokens",
  answering(async (c) => countInput(await readBody(c.req.raw), c.var.caller)),
);

responses.get(
  "/:id",
  answering(async (c, id) => {
    if (c.req.query("stream") !== "true") return getResponse(id, c.var.caller);
    const after = Number(c.req.query("starting_after") ?? -1);
    if (!Number.isInteger(after))
      throw new BadRequest("'starting_after' is a whole number.", "starting_after", "invalid_type");
    return streamResponse(id, after, c.var.caller);
  }),
);

responses.get(
  "/:id/input_items",
  answering((c, id) => listInputItems(id, c.req.query(), c.var.caller)),
);
responses.post(
  "/:id/cancel",
  answering((c, id) => cancelResponse(id, c.var.caller)),
);
responses.delete(
  "/:id",
  answering((c, id) => deleteResponse(id, c.var.caller)),
);
