import { limits, problemFrom, RbeeError, type ChatMessage, type JobView } from "@rbee/contracts";
import { ApiJob, submitJob } from "../api/api-job.ts";
import type { ApiCaller } from "../api/caller.ts";
import { countTokens } from "../api/count-tokens.ts";
import { heldResponse, type Write } from "../api/held-response.ts";
import { jobOf } from "../../durable/ports.ts";
import type { InferResult } from "./chat-answer.ts";
import { BadRequest, eventsForm, jsonForm } from "./errors.ts";
import { ResponseEvents } from "./response-events.ts";
import { inputItemsPage } from "./response-items.ts";
import {
  conversationOf,
  jobOfResponse,
  noteIn,
  responseNow,
  responseObject,
  responseOfItem,
  type Asked,
  type Said,
} from "./response-object.ts";
import { Item, parseResponses, responsesInput, type ResponsesRequest } from "./responses-request.ts";
import { readChoices } from "./run-choices.ts";

/** `POST /responses` */
export async function createResponse(body: unknown, caller: ApiCaller): Promise<Response> {
  const request = await withItems(parseResponses(body), caller);
  const input = responsesInput(request, await earlier(request, caller));
  if (request.background === true) return inBackground(request, input, caller);
  const job = await ApiJob.start(caller, { operation: "infer", input, whole: request.stream !== true });
  const headers = { "x-rbee-job-id": job.id };
  const asked = { job_id: job.id, submitted_at: Date.now(), input };
  if (request.stream === true)
    return heldResponse({ caller, headers, form: eventsForm }, (write) =>
      streamed(job, new ResponseEvents(asked), write),
    );
  return heldResponse({ caller, headers, form: jsonForm }, async (write) => {
    const said = await saidBy(job, asked);
    const status = said.result.finish_reason === "length" ? "incomplete" : "completed";
    await write(JSON.stringify(responseObject(asked, { status, said })));
  });
}

/** `POST /responses/input_tokens`: how long the prompt would be. */
export async function countInput(body: unknown, caller: ApiCaller): Promise<Response> {
  const request = await withItems(parseResponses(body), caller);
  const { note: _, ...asked } = responsesInput(request, await earlier(request, caller));
  const told = (input_tokens: number) => ({ object: "response.input_tokens", input_tokens });
  return countTokens(caller, asked, { form: jsonForm, body: told });
}

/** The job is nobody's: whoever asks for it finds it. */
async function inBackground(
  request: ResponsesRequest,
  input: Record<string, unknown>,
  caller: ApiCaller,
): Promise<Response> {
  const job_id = await submitJob(caller, { operation: "infer", input });
  const headers = { "x-rbee-job-id": job_id };
  const asked = { job_id, submitted_at: Date.now(), input };
  if (request.stream === true) return streamOf(asked, -1, caller);
  return Response.json(responseObject(asked, { status: "queued" }), { headers });
}

/** `GET /responses/{id}?stream=true&starting_after=n` */
export async function streamResponse(id: string, after: number, caller: ApiCaller): Promise<Response> {
  return streamOf(await find(id, caller), after, caller);
}

async function streamOf(asked: Asked, after: number, caller: ApiCaller): Promise<Response> {
  const job = await ApiJob.watch(caller, asked.job_id);
  const headers = { "x-rbee-job-id": asked.job_id };
  return heldResponse({ caller, headers, form: eventsForm }, async (write) => {
    const events = new ResponseEvents(asked, after);
    await write(events.begin());
    await streamed(job, events, write).catch(async (error: unknown) => write(events.fail(problemFrom(error))));
  });
}

async function streamed(job: ApiJob, events: ResponseEvents, write: Write): Promise<void> {
  let begun = false;
  try {
    for await (const event of job.events()) {
      const text = events.take(event);
      if (text === "") continue;
      begun = true;
      await write(text);
    }
  } catch (error) {
    // A request that failed before it said anything is answered as such; later the response has failed.
    if (!begun && error instanceof RbeeError) throw error;
    await write(events.fail(problemFrom(error)));
  }
}

/** A job's whole answer: in which order text and calls came, only its events tell. @throws RbeeError */
async function saidBy(job: ApiJob, asked: Asked): Promise<Said> {
  const events = new ResponseEvents(asked, Infinity);
  const [choice] = await readChoices([job], async (_, event) => void events.take(event));
  if (choice === undefined) throw new RbeeError("unavailable");
  return { result: choice.result, output: events.output };
}

const saidBefore = async (asked: Asked, view: JobView | undefined, caller: ApiCaller): Promise<Said | undefined> =>
  view?.result === undefined ? undefined : saidBy(await ApiJob.watch(caller, asked.job_id), asked);

/** `GET /responses/{id}` @throws RbeeError not_found */
export async function getResponse(id: string, caller: ApiCaller): Promise<Response> {
  const asked = await find(id, caller);
  const view = await jobOf(caller.env, caller.principal.colony, asked.job_id).view(caller.principal);
  if (view === undefined) throw missing(id);
  return Response.json(responseNow(asked, view, await saidBefore(asked, view, caller)));
}

/** `GET /responses/{id}/input_items` @throws RbeeError not_found, BadRequest */
export async function listInputItems(id: string, query: Record<string, string>, caller: ApiCaller): Promise<Response> {
  return Response.json(inputItemsPage(await find(id, caller), query));
}

/** `POST /responses/{id}/cancel` @throws RbeeError not_found; BadRequest for one whose client holds it */
export async function cancelResponse(id: string, caller: ApiCaller): Promise<Response> {
  const asked = await find(id, caller);
  if (noteIn(asked)?.["background"] !== true)
    throw new BadRequest("Only responses created with background=true can be cancelled.", null, "invalid_request");
  const job = jobOf(caller.env, caller.principal.colony, asked.job_id);
  await job.cancel(caller.principal);
  const view = await job.view(caller.principal);
  if (view === undefined) throw missing(id);
  return Response.json(responseNow(asked, view, await saidBefore(asked, view, caller)));
}

/** `DELETE /responses/{id}`: what was asked and answered is forgotten. @throws RbeeError not_found */
export async function deleteResponse(id: string, caller: ApiCaller): Promise<Response> {
  const { job_id } = await find(id, caller);
  const forgotten = await jobOf(caller.env, caller.principal.colony, job_id).forget(caller.principal);
  if (!forgotten) throw new BadRequest("It is not over yet: cancel it first.", null, "invalid_request");
  return Response.json({ id, object: "response", deleted: true });
}

const missing = (id: string): RbeeError =>
  new RbeeError("not_found", `Response with id '${id.slice(0, 64)}' not found.`);

/** @throws RbeeError not_found */
async function find(id: string, caller: ApiCaller): Promise<Asked> {
  const job_id = jobOfResponse(id);
  const spec =
    job_id === undefined
      ? undefined
      : await jobOf(caller.env, caller.principal.colony, job_id).request(caller.principal);
  const note = spec === undefined ? undefined : noteIn(spec);
  if (spec === undefined || note === undefined || note["store"] === false) throw missing(id);
  return spec;
}

function unlessMissing(error: unknown): undefined {
  if (!(error instanceof RbeeError && error.code === "not_found")) throw error;
}

/** Items that a request only names, each in the place of its name. @throws BadRequest */
async function withItems(request: ResponsesRequest, caller: ApiCaller): Promise<ResponsesRequest> {
  const { input } = request;
  if (typeof input === "string") return request;
  const outputs = new Map<string, Said["output"]>();
  const items: (typeof input)[number][] = [];
  for (const [at, item] of input.entries()) {
    const { type, id = "" } = item;
    if (type !== "item_reference") {
      items.push(item);
      continue;
    }
    const response = responseOfItem(id) ?? "";
    const output = outputs.get(response) ?? (await outputNow(response, caller));
    if (outputs.set(response, output).size > limits.api_references_max) {
      const why = `Items of at most ${limits.api_references_max} responses can be referenced.`;
      throw new BadRequest(why, `input[${at}].id`, "invalid_value");
    }
    const named = output.find((one) => one.id === id);
    if (named === undefined)
      throw new BadRequest(`Item with id '${id.slice(0, 64)}' not found.`, `input[${at}].id`, "invalid_value");
    items.push(Item.parse(named));
  }
  return { ...request, input: items };
}

/** Nothing, where there is no such response or it is not complete. */
async function outputNow(id: string, caller: ApiCaller): Promise<Said["output"]> {
  const asked = await find(id, caller).catch(unlessMissing);
  if (asked === undefined) return [];
  const view = await jobOf(caller.env, caller.principal.colony, asked.job_id).view(caller.principal);
  return (await saidBefore(asked, view, caller))?.output ?? [];
}

/** The conversation that this one goes on with. @throws BadRequest */
async function earlier({ previous_response_id: id }: ResponsesRequest, caller: ApiCaller): Promise<ChatMessage[]> {
  if (id === undefined) return [];
  const gone = (why: string) => new BadRequest(why, "previous_response_id", "previous_response_not_found");
  const asked = await find(id, caller).catch(unlessMissing);
  if (asked === undefined) throw gone(`Previous response with id '${id.slice(0, 64)}' not found.`);
  const view = await jobOf(caller.env, caller.principal.colony, asked.job_id).view(caller.principal);
  if (view?.result === undefined) throw gone(`Previous response with id '${id.slice(0, 64)}' is not complete.`);
  return conversationOf(asked, view.result as unknown as InferResult);
}
