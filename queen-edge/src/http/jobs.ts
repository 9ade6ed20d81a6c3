import { RbeeError } from "@rbee/contracts";
import { formatPosition } from "@rbee/job-core";
import { jobRoutes, type JobKeeper, type ReaderQuery } from "@rbee/job-http";
import { jobOf, registryOf } from "../durable/ports.ts";
import type { Env } from "../env.ts";
import { READER_WINDOW } from "../reader-socket.ts";
import { authenticate, secretOf } from "./auth.ts";
import { readerStream } from "./reader-stream.ts";

/** `/v1/jobs` of the queen: each job is an object of its own. */
export const jobs = jobRoutes<{ Bindings: Env }>(async ({ req, env }) => {
  const principal = await authenticate(req.raw, env);
  return { principal, jobs: keeper(env, principal.colony), secret: secretOf(env) };
});

const keeper = (env: Env, colony: string): JobKeeper => ({
  submit: (spec) => jobOf(env, colony, spec.job_id).submit(spec),
  view: (job_id) => jobOf(env, colony, job_id).view(),
  request: (job_id) => jobOf(env, colony, job_id).request(),
  cancel: (job_id) => jobOf(env, colony, job_id).cancel(),
  list: (limit) => registryOf(env, colony).jobs(limit),
  async read(job_id, query, options) {
    const url = `https://job/reader?${readerParams(query)}`;
    const answer = await jobOf(env, colony, job_id).fetch(new Request(url, { headers: { upgrade: "websocket" } }));
    if (answer.status === 204) return new Response(null, { status: 204 });
    if (answer.status === 404) return undefined;
    if (answer.webSocket === null) throw new RbeeError("queue_full", "too many readers of this job");
    return readerStream(answer.webSocket, options);
  },
});

function readerParams({ format, after, ...query }: ReaderQuery): string {
  const flags = [query.resume && "resume", query.submitting && "submitting", query.cancels && "cancels"];
  const wanted = [`format=${format}`, `after=${formatPosition(after)}`, READER_WINDOW, ...flags.filter(Boolean)];
  return wanted.join("&");
}
