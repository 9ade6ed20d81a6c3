import { RbeeError } from "@rbee/contracts";
import { formatPosition } from "@rbee/job-core";
import { jobRoutes, sseResponse, type JobKeeper, type ReaderQuery, type Source } from "@rbee/job-http";
import { jobOf, registryOf } from "../durable/ports.ts";
import type { Env } from "../env.ts";
import { confirmation, READER_WINDOW, readerCloses } from "../reader-socket.ts";
import { authenticate, secretOf } from "./auth.ts";

/** `/v1/jobs` of the queen: each job is an object of its own. */
export const jobs = jobRoutes<{ Bindings: Env }>(async ({ req, env }) => {
  const principal = await authenticate(req.raw, env);
  return { principal, jobs: keeper(env, principal.colony), secret: secretOf(env) };
});

const keeper = (env: Env, colony: string): JobKeeper => ({
  submit: (spec) => jobOf(env, colony, spec.job_id).submit(spec),
  view: (job_id) => jobOf(env, colony, job_id).view(),
  cancel: (job_id) => jobOf(env, colony, job_id).cancel(),
  list: (limit) => registryOf(env, colony).jobs(limit),
  async read(job_id, query, options) {
    const url = `https://job/reader?${readerParams(query)}`;
    const answer = await jobOf(env, colony, job_id).fetch(new Request(url, { headers: { upgrade: "websocket" } }));
    if (answer.status === 204) return new Response(null, { status: 204 });
    if (answer.status === 404) return undefined;
    if (answer.webSocket === null) throw new RbeeError("queue_full", "too many readers of this job");
    return sseResponse(fromSocket(answer.webSocket), { ...options, pipe: () => new IdentityTransformStream() });
  },
});

function readerParams({ format, after, ...query }: ReaderQuery): string {
  const flags = [query.resume && "resume", query.submitting && "submitting", query.cancels && "cancels"];
  const wanted = [`format=${format}`, `after=${formatPosition(after)}`, READER_WINDOW, ...flags.filter(Boolean)];
  return wanted.join("&");
}

/** The Worker holds the stream, since its waiting costs nothing, while the job's object may sleep. */
const fromSocket =
  (socket: WebSocket): Source =>
  ({ write, end }) => {
    socket.addEventListener("message", ({ data }) => {
      if (typeof data === "string") write(data);
    });
    socket.addEventListener("close", end);
    socket.addEventListener("error", end);
    socket.accept();
    return {
      left: () => socket.close(readerCloses.left.code, readerCloses.left.reason),
      taken: (chars) => socket.send(confirmation(chars)),
    };
  };
