import { operationOf, parseSubmission, RbeeError } from "@rbee/contracts";
import { parsePosition } from "@rbee/job-core";
import { Hono, type Context } from "hono";
import { jobOf, registryOf } from "../durable/ports.ts";
import type { Env } from "../env.ts";
import { READER_WINDOW } from "../reader-socket.ts";
import { jobId } from "../seal.ts";
import { authenticate, authorize, secretOf, type Principal } from "./auth.ts";
import { readJson } from "./body.ts";
import { errorResponse, problemResponse } from "./problem.ts";
import { sseResponse } from "./sse.ts";

type App = { Bindings: Env; Variables: { principal: Principal } };

export const jobs = new Hono<App>();

jobs.use(async (c, next) => {
  c.set("principal", await authenticate(c.req.raw, c.env));
  await next();
});

const IDEMPOTENCY_KEY_CHARS_MAX = 255;

jobs.post("/", async (c) => {
  const { colony, key_id } = c.var.principal;
  const submission = parseSubmission(await readJson(c.req.raw));
  authorize(c.var.principal, operationOf(submission.operation).scope);
  const idempotency = c.req.header("idempotency-key");
  if (idempotency !== undefined && (idempotency === "" || idempotency.length > IDEMPOTENCY_KEY_CHARS_MAX)) {
    throw new RbeeError("invalid_input", `an Idempotency-Key has 1 to ${IDEMPOTENCY_KEY_CHARS_MAX} characters`);
  }
  const job_id = await jobId(secretOf(c.env), idempotency === undefined ? undefined : { colony, key_id, idempotency });
  const spec = { ...submission, job_id, colony, key_id, submitted_at: Date.now() };
  const streaming = (c.req.header("accept") ?? "").includes("text/event-stream");
  const query = streaming ? readerQuery(c) : "";
  if (!streaming && c.req.query("on_disconnect") !== undefined)
    throw new RbeeError("invalid_input", "on_disconnect: only for a stream, asked for with Accept: text/event-stream");
  const submitting = jobOf(c.env, colony, job_id).submit(spec);
  // The reader's way to the job is opened while the job is still looking for its place.
  const reading = streaming ? stream(c, job_id, `${query}&submitting`).catch(errorResponse) : undefined;
  const answer = await submitting;
  if ("problem" in answer) {
    void reading?.then((response) => response.body?.cancel()).catch(() => undefined);
    return problemResponse(answer.problem);
  }
  const response = await reading;
  // It came before the job was there, with a submit that was refused before: now the job is there.
  if (response?.status === 404) return stream(c, job_id, query);
  if (response !== undefined) return response;
  const sse_url = `/v1/jobs/${job_id}/stream`;
  return c.json({ job_id, sse_url }, answer.ok.created ? 202 : 200, { location: `/v1/jobs/${job_id}` });
});

const LIST_DEFAULT = 50;
const LIST_MAX = 200;

jobs.get("/", async (c) => {
  authorize(c.var.principal, "operator");
  const limit = Number(c.req.query("limit") ?? LIST_DEFAULT);
  if (!Number.isInteger(limit) || limit < 1 || limit > LIST_MAX) {
    throw new RbeeError("invalid_input", `limit: a whole number from 1 to ${LIST_MAX}`);
  }
  return c.json({ jobs: await registryOf(c.env, c.var.principal.colony).jobs(limit) });
});

jobs.get("/:id", async (c) => {
  const id = known(c.req.param("id"));
  const view = await jobOf(c.env, c.var.principal.colony, id).view();
  return view === undefined ? notFound(id) : c.json(view);
});

jobs.get("/:id/stream", (c) => stream(c, known(c.req.param("id")), readerQuery(c)));

jobs.delete("/:id", async (c) => {
  const id = known(c.req.param("id"));
  const answer = await jobOf(c.env, c.var.principal.colony, id).cancel();
  return answer === undefined ? notFound(id) : c.json(answer);
});

/** What a reader asks for, as the job's object reads it. @throws RbeeError invalid_input, invalid_position */
function readerQuery(c: Context<App>): string {
  const format = c.req.query("format") ?? "text";
  if (format !== "text" && format !== "json") throw new RbeeError("invalid_input", "format: text or json");
  const lastSeen = c.req.header("last-event-id");
  const after = c.req.query("after") ?? lastSeen ?? "0.0";
  parsePosition(after);
  const resume = c.req.query("after") === undefined && lastSeen !== undefined ? "&resume" : "";
  const onDisconnect = c.req.query("on_disconnect") ?? "detach";
  if (onDisconnect !== "detach" && onDisconnect !== "cancel")
    throw new RbeeError("invalid_input", "on_disconnect: detach or cancel");
  const cancels = onDisconnect === "cancel" ? "&cancels" : "";
  return `format=${format}&after=${after}&${READER_WINDOW}${resume}${cancels}`;
}

async function stream(c: Context<App>, job_id: string, query: string): Promise<Response> {
  const job = jobOf(c.env, c.var.principal.colony, job_id);
  const answer = await job.fetch(new Request(`https://job/reader?${query}`, { headers: { upgrade: "websocket" } }));
  if (answer.status === 204) return new Response(null, { status: 204 });
  if (answer.status === 404) return notFound(job_id);
  if (answer.webSocket === null) throw new RbeeError("queue_full", "too many readers of this job");
  return sseResponse(answer.webSocket, {
    signal: c.req.raw.signal,
    headers: { "x-rbee-job-id": job_id, location: `/v1/jobs/${job_id}` },
  });
}

/** An id that cannot be one of ours reaches no object. */
function known(id: string): string {
  if (!/^job_[a-z2-7]{26}$/.test(id))
    throw new RbeeError("job_not_found", `${JSON.stringify(id.slice(0, 64))} is not the id of a job`);
  return id;
}

const notFound = (id: string): Response => problemResponse(new RbeeError("job_not_found", `no job ${id}`).toProblem());
