import {
  limits,
  parseSubmission,
  RbeeError,
  type CancelAnswer,
  type JobLine,
  type JobView,
  type Problem,
  type Submission,
} from "@rbee/contracts";
import { parsePosition, type JobSpec, type Position, type StreamFormat } from "@rbee/job-core";
import { Hono, type Context, type Env } from "hono";
import { authorizeSubmission, type Principal } from "./access.ts";
import { readJson } from "./body.ts";
import { jobId } from "./hmac.ts";
import { idempotencyKey } from "./idempotency.ts";
import { errorResponse, problemResponse } from "./problem.ts";
import { withSession } from "./session-header.ts";

/** Answers cross objects as values: an exception would lose its type on the way. */
export type Answer<T> = { readonly ok: T } | { readonly problem: Problem };

/** What a reader of a job asks for. */
export interface ReaderQuery {
  readonly format: StreamFormat;
  readonly after: Position;
  /** A browser that reconnects by itself: only `204` stops it from doing so for ever. */
  readonly resume: boolean;
  /** This reader's leaving cancels the job. */
  readonly cancels: boolean;
  /** The submitter's own stream, opened beside the submission; the job may not be there yet. */
  readonly submitting: boolean;
}

/** Whoever keeps jobs: the queen in her objects, or a hive for its own machine. Knows only those that the caller may see. */
export interface JobKeeper {
  submit(spec: JobSpec): Promise<Answer<{ created: boolean }>>;
  view(job_id: string): Promise<JobView | undefined>;
  /** What was asked for. Never shown: prompts are in it. */
  request(job_id: string): Promise<JobSpec | undefined>;
  cancel(job_id: string): Promise<CancelAnswer | undefined>;
  list(limit: number): Promise<readonly JobLine[]>;
  /** The job's stream as a response, 204 when a browser has read all of it; `undefined`: no such job. @throws RbeeError queue_full */
  read(job_id: string, query: ReaderQuery, options: ReadOptions): Promise<Response | undefined>;
}

export interface ReadOptions {
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  readonly headers: Record<string, string>;
}

/** One request, once its key was looked at. */
export interface Caller {
  readonly principal: Principal;
  readonly jobs: JobKeeper;
  /** Ids of jobs that were submitted with an Idempotency-Key are made with it. */
  readonly secret: string;
}

type App<E extends Env> = E & { Variables: { caller: Caller } };

const LIST_DEFAULT = 50;

/** The routes below `/v1/jobs`. @param admit looks at the key of a request; throws RbeeError unauthorized */
export function jobRoutes<E extends Env>(admit: (c: Context<App<E>>) => Promise<Caller>): Hono<App<E>> {
  const routes = new Hono<App<E>>();

  routes.use(async (c, next) => {
    c.set("caller", await admit(c));
    await next();
  });

  routes.post("/", async (c) => {
    const submission = withSession(parseSubmission(await readJson(c.req.raw)), c.req.raw.headers);
    return submit(c.req.raw, c.var.caller, { submission, reader: () => readerQuery(c) });
  });

  routes.post("/:id/retry", async (c) => {
    const id = known(c.req.param("id") ?? "");
    const submission = await askedBefore(id, c.var.caller);
    if (submission === undefined) return notFound(id);
    return submit(c.req.raw, c.var.caller, { submission, reader: () => readerQuery(c) });
  });

  routes.get("/", async (c) => {
    const limit = Number(c.req.query("limit") ?? LIST_DEFAULT);
    if (!Number.isInteger(limit) || limit < 1 || limit > limits.jobs_listed_max) {
      throw new RbeeError("invalid_input", `limit: a whole number from 1 to ${limits.jobs_listed_max}`);
    }
    return Response.json({ jobs: await c.var.caller.jobs.list(limit) });
  });

  routes.get("/:id", async (c) => {
    const id = known(c.req.param("id") ?? "");
    const view = await c.var.caller.jobs.view(id);
    return view === undefined ? notFound(id) : Response.json(view);
  });

  routes.get("/:id/stream", (c) => {
    const id = known(c.req.param("id") ?? "");
    return stream(c.req.raw, c.var.caller, { id, query: readerQuery(c) });
  });

  routes.delete("/:id", async (c) => {
    const id = known(c.req.param("id") ?? "");
    const answer = await c.var.caller.jobs.cancel(id);
    return answer === undefined ? notFound(id) : Response.json(answer);
  });

  return routes;
}

/** What a job was asked for, if the caller may see it. It is submitted, and never shown. [RETRY-1] */
async function askedBefore(id: string, { jobs }: Caller): Promise<Submission | undefined> {
  const asked = await jobs.request(id);
  if (asked === undefined) return undefined;
  // Parsed again: a later version may have other rules.
  return parseSubmission({ ...asked.input, operation: asked.operation });
}

interface Asked {
  readonly submission: Submission;
  readonly reader: () => ReaderQuery;
}

async function submit(request: Request, caller: Caller, { submission, reader }: Asked): Promise<Response> {
  const { principal, jobs, secret } = caller;
  const { colony, key_id } = principal;
  authorizeSubmission(principal, submission);
  const idempotency = idempotencyKey(request.headers);
  const job_id = await jobId(secret, idempotency === undefined ? undefined : { colony, key_id, idempotency });
  const spec: JobSpec = { ...submission, job_id, colony, key_id, submitted_at: Date.now() };
  const query = (request.headers.get("accept") ?? "").includes("text/event-stream") ? reader() : undefined;
  if (query === undefined && new URL(request.url).searchParams.has("on_disconnect"))
    throw new RbeeError("invalid_input", "on_disconnect: only for a stream, asked for with Accept: text/event-stream");
  const submitting = jobs.submit(spec);
  // The reader's way to the job is opened while the job is still looking for its place.
  const reading =
    query === undefined
      ? undefined
      : stream(request, caller, { id: job_id, query: { ...query, submitting: true } }).catch(errorResponse);
  const answer = await submitting;
  if ("problem" in answer) {
    void reading?.then((response) => response.body?.cancel()).catch(() => undefined);
    return problemResponse(answer.problem);
  }
  const response = await reading;
  // It came before the job was there, with a submit that was refused before: now the job is there.
  if (response?.status === 404 && query !== undefined) return stream(request, caller, { id: job_id, query });
  if (response !== undefined) return response;
  const sse_url = `/v1/jobs/${job_id}/stream`;
  return Response.json(
    { job_id, sse_url },
    { status: answer.ok.created ? 202 : 200, headers: { location: `/v1/jobs/${job_id}` } },
  );
}

/** What a reader asks for. @throws RbeeError invalid_input, invalid_position */
function readerQuery(c: Context): ReaderQuery {
  const format = c.req.query("format") ?? "text";
  if (format !== "text" && format !== "json") throw new RbeeError("invalid_input", "format: text or json");
  const lastSeen = c.req.header("last-event-id");
  const after = parsePosition(c.req.query("after") ?? lastSeen ?? "0.0");
  const resume = c.req.query("after") === undefined && lastSeen !== undefined;
  const onDisconnect = c.req.query("on_disconnect") ?? "detach";
  if (onDisconnect !== "detach" && onDisconnect !== "cancel")
    throw new RbeeError("invalid_input", "on_disconnect: detach or cancel");
  return { format, after, resume, cancels: onDisconnect === "cancel", submitting: false };
}

async function stream(
  request: Request,
  { jobs }: Caller,
  { id, query }: { id: string; query: ReaderQuery },
): Promise<Response> {
  const headers = { "x-rbee-job-id": id, location: `/v1/jobs/${id}` };
  return (await jobs.read(id, query, { signal: request.signal, headers })) ?? notFound(id);
}

/** An id that cannot be one of ours reaches no object. */
function known(id: string): string {
  if (!/^job_[a-z2-7]{26}$/.test(id))
    throw new RbeeError("job_not_found", `${JSON.stringify(id.slice(0, 64))} is not the id of a job`);
  return id;
}

const notFound = (id: string): Response => problemResponse(new RbeeError("job_not_found", `no job ${id}`).toProblem());
