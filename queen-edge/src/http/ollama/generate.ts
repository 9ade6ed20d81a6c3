import { RbeeError, type JobEvent } from "@rbee/contracts";
import { ApiJob } from "../api/api-job.ts";
import type { ApiCaller } from "../api/caller.ts";
import { heldResponse } from "../api/held-response.ts";
import { exactModel, servedModels } from "../api/models.ts";
import { resultOf } from "../openai/chat-answer.ts";
import { parseBody } from "../openai/parse.ts";
import { readChoices } from "../openai/run-choices.ts";
import { dropUndefined } from "../openai/sampling.ts";
import { callsOf, countsOf, headOf, line, logprobsOf } from "./answer.ts";
import { jsonForm, linesForm } from "./errors.ts";
import { ended, unload } from "./fleet.ts";
import { ChatRequest, chatInput, GenerateRequest, generateInput, modelName } from "./request.ts";

/** How one endpoint shows what a job says. */
interface Shape {
  /** A piece of the answer. */
  readonly piece: (text: string) => object;
  /** The last line's own part. @param whole the answer, where it was not streamed */
  readonly last: (whole: string, calls: readonly object[]) => object;
}

const chatShape: Shape = {
  piece: (content) => ({ message: { role: "assistant", content } }),
  last: (content, calls) => ({
    message: { role: "assistant", content, ...(calls.length === 0 ? {} : { tool_calls: calls }) },
  }),
};

const generateShape: Shape = {
  piece: (response) => ({ response }),
  // Token ids of the conversation so far, which nobody has to send back here.
  last: (response) => ({ response, context: [] }),
};

/** `POST /api/chat` */
export async function chat(body: unknown, caller: ApiCaller): Promise<Response> {
  const request = parseBody(ChatRequest, body);
  if ((request.messages ?? []).length === 0) return loadOrLeave(request, caller, chatShape.piece(""));
  return answer(request, chatInput(request), { caller, shape: chatShape });
}

/** `POST /api/generate` */
export async function generate(body: unknown, caller: ApiCaller): Promise<Response> {
  const request = parseBody(GenerateRequest, body);
  if ((request.prompt ?? "") === "") return loadOrLeave(request, caller, generateShape.piece(""));
  return answer(request, generateInput(request), { caller, shape: generateShape });
}

/**
 * Without anything to answer a request loads the model, as the shortest answer does; or, to be kept for no time, lets it go.
 * What everybody uses is an operator's to unload. @throws RbeeError
 */
async function loadOrLeave(
  { model, keep_alive }: { model: string; keep_alive?: number | undefined },
  caller: ApiCaller,
  piece: object,
): Promise<Response> {
  const said = (done_reason: "load" | "unload") => ({ ...headOf(model), ...piece, done: true, done_reason });
  if (keep_alive === 0) {
    await unload(exactModel(await servedModels(caller), modelName(model)), caller);
    return Response.json(said("unload"));
  }
  const input = dropUndefined({ model: modelName(model), keep_alive, prompt: " ", raw: true, max_tokens: 1 });
  const job = await ApiJob.start(caller, { operation: "infer", input, whole: true });
  return heldResponse({ caller, headers: { "x-rbee-job-id": job.id }, form: jsonForm }, async (write) => {
    await ended(job);
    await write(JSON.stringify(said("load")));
  });
}

async function answer(
  { model, stream = true }: { model: string; stream?: boolean | undefined },
  input: Record<string, unknown>,
  { caller, shape }: { caller: ApiCaller; shape: Shape },
): Promise<Response> {
  const began = Date.now();
  const job = await ApiJob.start(caller, { operation: "infer", input, whole: !stream });
  const headers = { "x-rbee-job-id": job.id };
  if (!stream) {
    return heldResponse({ caller, headers, form: jsonForm }, async (write) => {
      const [choice] = await readChoices([job]);
      if (choice === undefined) throw new RbeeError("unavailable");
      const { result, logprobs } = choice;
      const whole = { ...shape.last(result.text, callsOf(result)), ...logprobsOf(logprobs) };
      await write(JSON.stringify({ ...headOf(model), ...whole, ...countsOf(result, began) }));
    });
  }
  return heldResponse({ caller, headers, form: linesForm }, async (write) => {
    await readChoices([job], async (_, event) => {
      for (const part of linesOf(event, { shape, began })) await write(line({ ...headOf(model), ...part }));
    });
  });
}

function linesOf(event: JobEvent, { shape, began }: { shape: Shape; began: number }): object[] {
  if (event.type === "token" && event.tool_call === undefined)
    return [{ ...shape.piece(event.text), ...logprobsOf(event.logprobs), done: false }];
  const result = resultOf(event);
  if (result === undefined) return [];
  const calls = callsOf(result);
  // Calls come whole, in a line before the last.
  const called = calls.length === 0 ? [] : [{ ...shape.last("", calls), done: false }];
  return [...called, { ...shape.last("", []), ...countsOf(result, began) }];
}
