import { jobRoutes, type JobKeeper, type Principal } from "@rbee/job-http";
import { jobOf, registryOf } from "../durable/ports.ts";
import type { Env } from "../env.ts";
import { authenticate, secretOf } from "./auth.ts";
import { openReader } from "./open-reader.ts";
import { readerStream } from "./reader-stream.ts";

/** `/v1/jobs` of the queen: each job is an object of its own. */
export const jobs = jobRoutes<{ Bindings: Env }>(async ({ req, env }) => {
  const principal = await authenticate(req.raw, env);
  return { principal, jobs: keeper(env, principal, new URL(req.url).origin), secret: secretOf(env) };
});

/** The jobs that a key may see. @param origin where the queen was asked */
function keeper(env: Env, principal: Principal, origin: string): JobKeeper {
  const { colony } = principal;
  return {
    submit: (spec) => jobOf(env, colony, spec.job_id).submit(spec, origin),
    view: (job_id) => jobOf(env, colony, job_id).view(principal),
    request: (job_id) => jobOf(env, colony, job_id).request(principal),
    cancel: (job_id) => jobOf(env, colony, job_id).cancel(principal),
    list: (limit) => registryOf(env, colony).jobs(limit, principal),
    async read(job_id, query, options) {
      const reader = await openReader({ env, principal }, job_id, { ...query, cancels: query.cancels && "always" });
      if (reader === "read") return new Response(null, { status: 204 });
      return reader && readerStream(reader, options);
    },
  };
}
