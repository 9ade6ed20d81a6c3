import { RbeeError } from "@rbee/contracts";
import { Hono, type Context } from "hono";
import { admit, type ApiCaller, type ApiEnv } from "../api/caller.ts";
import { requestId } from "../api/answer-headers.ts";
import { readBody } from "../api/body.ts";
import { openAiLimits } from "../api/rate-limits.ts";
import { chatCompletions } from "./chat.ts";
import { completions } from "./completions.ts";
import { embeddings } from "./embeddings.ts";
import { errorAnswer } from "./errors.ts";
import { getModel, listModels } from "./models.ts";
import { responses } from "./responses-routes.ts";

/** OpenAI's API, as thin translations of jobs. Mounted at `/v1` and at `/openai/v1`. */
export const openai = new Hono<ApiEnv>();

openai.onError((error) => errorAnswer(error));

/** Everything of this API says who it is and how long it took, also when it fails. */
openai.use("/:endpoint{models|chat|completions|embeddings|responses}/*", async (c, next) => {
  const begun = Date.now();
  try {
    c.set("caller", await admit(c));
    const [limits] = await Promise.all([openAiLimits(c.var.caller), next()]);
    for (const [name, value] of Object.entries(limits)) c.header(name, value);
  } catch (error) {
    // Of the key and its limits only: what fails behind here is answered as an error before it comes back.
    c.res = errorAnswer(error);
  }
  c.header("x-request-id", requestId());
  c.header("openai-version", "2020-10-01");
  c.header("openai-processing-ms", String(Date.now() - begun));
});

type Post = (body: unknown, caller: ApiCaller) => Promise<Response>;
const post = (answer: Post) => async (c: Context<ApiEnv>) => answer(await readBody(c.req.raw), c.var.caller);

openai.post("/chat/completions", post(chatCompletions));
openai.post("/completions", post(completions));
openai.post("/embeddings", post(embeddings));
openai.get("/models", (c) => listModels(c.var.caller));
openai.get("/models/*", async (c) => {
  const [, id = ""] = /\/models\/(.+)$/.exec(c.req.path) ?? [];
  return getModel(c.var.caller, decoded(id));
});
openai.route("/responses", responses);

/** Paths that are there, for those who come with another method. */
const methods: readonly (readonly [path: RegExp, methods: string])[] = [
  [/\/(chat\/completions|completions|embeddings|responses|responses\/input_tokens)$/, "POST"],
  [/\/responses\/[^/]+\/cancel$/, "POST"],
  [/\/responses\/[^/]+$/, "GET, DELETE"],
  [/\/responses\/[^/]+\/input_items$/, "GET"],
  [/\/models(\/.+)?$/, "GET"],
];

// What is below these paths and nothing else is this API's to refuse.
openai.all("/:endpoint{models|chat|completions|embeddings|responses}/*", (c) => {
  const { method, path } = c.req;
  const allow = methods.find(([known]) => known.test(path))?.[1];
  if (allow === undefined)
    return errorAnswer(new RbeeError("not_found", `Invalid URL (${method} ${path.slice(0, 128)})`));
  const detail = `Not allowed to ${method} on ${path.slice(0, 128)}. It takes ${allow}.`;
  return errorAnswer(new RbeeError("method_not_allowed", detail), { allow });
});

function decoded(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}
