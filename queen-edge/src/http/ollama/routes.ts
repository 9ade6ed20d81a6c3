import { RbeeError } from "@rbee/contracts";
import { Hono, type Context } from "hono";
import { admit, type ApiCaller, type ApiEnv } from "../api/caller.ts";
import { requestId } from "../api/answer-headers.ts";
import { readBody } from "../api/body.ts";
import { embed, embedOne } from "./embed.ts";
import { errorAnswer } from "./errors.ts";
import { ps, remove, show, tags } from "./fleet.ts";
import { chat, generate } from "./generate.ts";
import { pull } from "./pull.ts";

/** Ollama's API, as thin translations of jobs. Mounted at `/api`. */
export const ollama = new Hono<ApiEnv>();

ollama.onError((error) => errorAnswer(error));

/** The release whose API this is: clients look at it before they use what is newer. */
const API_VERSION = "0.12.11";

ollama.use(async (c, next) => {
  try {
    c.set("caller", await admit(c));
    await next();
  } catch (error) {
    c.res = errorAnswer(error);
  }
  c.header("x-request-id", requestId());
});

type Answer = (body: unknown, caller: ApiCaller) => Promise<Response>;
const posted = (answer: Answer) => async (c: Context<ApiEnv>) => answer(await readBody(c.req.raw), c.var.caller);

ollama.get("/version", (c) => c.json({ version: API_VERSION }));
ollama.get("/tags", (c) => tags(c.var.caller));
ollama.get("/ps", (c) => ps(c.var.caller));
ollama.post("/chat", posted(chat));
ollama.post("/generate", posted(generate));
ollama.post("/embed", posted(embed));
ollama.post("/embeddings", posted(embedOne));
ollama.post("/show", posted(show));
ollama.post("/pull", posted(pull));
ollama.delete("/delete", posted(remove));
ollama.all("/*", (c) =>
  errorAnswer(new RbeeError("not_found", `there is no ${c.req.method} ${c.req.path.slice(0, 128)}`)),
);
