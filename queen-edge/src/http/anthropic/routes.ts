import { RbeeError } from "@rbee/contracts";
import { Hono } from "hono";
import { ApiJob } from "../api/api-job.ts";
import { admit, type ApiCaller, type ApiEnv } from "../api/caller.ts";
import { requestId } from "../api/answer-headers.ts";
import { readBody } from "../api/body.ts";
import { countTokens } from "../api/count-tokens.ts";
import { anthropicLimits } from "../api/rate-limits.ts";
import { heldResponse } from "../api/held-response.ts";
import { readChoices } from "../openai/run-choices.ts";
import { message, MessageEvents } from "./answer.ts";
import { errorAnswer, jsonForm, streamForm } from "./errors.ts";
import { showModels } from "./models.ts";
import { messagesInput, parseCount, parseMessages } from "./request.ts";

/** Anthropic's messages, as thin translations of jobs. */
export const anthropic = new Hono<ApiEnv>();

anthropic.onError((error) => errorAnswer(error));

/** Both APIs have models at one address; only this one's clients say its version. */
anthropic.get("/models/:id{.+}?", async (c, next) => {
  if (c.req.header("anthropic-version") === undefined) return next();
  const showing = admit(c).then(async (caller) => showModels(caller, c.req.param("id")));
  const answer = await showing.catch((error: unknown) => errorAnswer(error));
  answer.headers.set("request-id", requestId());
  return answer;
});

anthropic.use("/messages/*", async (c, next) => {
  try {
    c.set("caller", await admit(c));
    const [limits] = await Promise.all([anthropicLimits(c.var.caller), next()]);
    for (const [name, value] of Object.entries(limits)) c.header(name, value);
  } catch (error) {
    c.res = errorAnswer(error);
  }
  c.header("request-id", requestId());
});

anthropic.post("/messages", async (c) => createMessage(await readBody(c.req.raw), c.var.caller));

anthropic.post("/messages/count_tokens", async (c) => {
  const asked = messagesInput(parseCount(await readBody(c.req.raw)));
  return countTokens(c.var.caller, asked, { form: jsonForm, body: (input_tokens) => ({ input_tokens }) });
});

anthropic.all("/messages/*", (c) =>
  errorAnswer(new RbeeError("not_found", `there is no ${c.req.method} ${c.req.path.slice(0, 128)}`)),
);

async function createMessage(body: unknown, caller: ApiCaller): Promise<Response> {
  const request = parseMessages(body);
  const { model, stream = false } = request;
  const job = await ApiJob.start(caller, { operation: "infer", input: messagesInput(request), whole: !stream });
  const headers = { "x-rbee-job-id": job.id };
  if (!stream) {
    return heldResponse({ caller, headers, form: jsonForm }, async (write) => {
      const [choice] = await readChoices([job]);
      if (choice === undefined) throw new RbeeError("unavailable");
      await write(JSON.stringify(message(job.id, model, choice.result)));
    });
  }
  return heldResponse({ caller, headers, form: streamForm }, async (write) => {
    const events = new MessageEvents(job.id, model);
    await readChoices([job], async (_, event) => {
      const text = events.take(event);
      if (text !== "") await write(text);
    });
  });
}
