import type { ApiCaller } from "../api/caller.ts";
import { heldResponse } from "../api/held-response.ts";
import { ChatChunks, completion, usageChunk, type Answering } from "./chat-answer.ts";
import { chatInput, parseChat } from "./chat-request.ts";
import { jsonForm, streamForm } from "./errors.ts";
import { readChoices, startChoices } from "./run-choices.ts";
import { DONE, idOf, seconds, usageOfAll } from "./wire.ts";

/** `POST /chat/completions`: each choice is a job. @throws BadRequest, RbeeError before anything was written */
export async function chatCompletions(body: unknown, caller: ApiCaller): Promise<Response> {
  const request = parseChat(body);
  const { n = 1, stream = false, stream_options, model, logprobs = false } = request;
  const jobs = await startChoices(
    caller,
    Array.from({ length: n }, (_, choice) => chatInput(request, choice)),
    { whole: !stream },
  );
  const forced = typeof request.tool_choice === "object" && request.tool_choice.type === "function";
  const headers = { "x-rbee-job-id": jobs.map(({ id }) => id).join(", ") };
  const answering: Answering = {
    id: idOf("chatcmpl-", jobs[0]?.id ?? ""),
    created: seconds(),
    model,
    logprobs,
    forced,
  };
  if (!stream) {
    return heldResponse({ caller, headers, form: jsonForm }, async (write) => {
      const choices = await readChoices(jobs);
      await write(
        JSON.stringify(completion(answering, choices, usageOfAll(choices.map(({ result }) => result.usage)))),
      );
    });
  }
  const includeUsage = stream_options?.include_usage === true;
  return heldResponse({ caller, headers, form: streamForm }, async (write) => {
    const chunks = jobs.map((_, index) => new ChatChunks(answering, { index, includeUsage }));
    const choices = await readChoices(jobs, async (choice, event) => {
      const text = chunks[choice]?.take(event) ?? "";
      if (text !== "") await write(text);
    });
    const usage = usageOfAll(choices.map(({ result }) => result.usage));
    await write((includeUsage ? usageChunk(answering, usage) : "") + DONE);
  });
}
