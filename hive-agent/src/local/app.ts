import { heartbeatsPath, RbeeError } from "@rbee/contracts";
import { errorResponse, jobPaths, jobRoutes, notFoundResponse, uiResponse, type JobKeeper } from "@rbee/job-http";
import { Hono } from "hono";
import type { LocalAccess } from "./access.ts";
import type { Heartbeats } from "./heartbeats.ts";
import { uiFiles } from "./ui-files.ts";

export interface LocalAppOptions {
  readonly hive_id: string;
  readonly access: LocalAccess;
  readonly jobs: JobKeeper;
  readonly heartbeats: Heartbeats;
}

const LOOPBACK = new Set(["127.0.0.1", "localhost", "[::1]"]);
const known = [...jobPaths, { path: /^\/(|health|v1\/heartbeats\/stream)$/, methods: "GET" }];

/** The queen's `/v1/jobs`, for this machine alone. */
export function localApp({ hive_id, access, jobs, heartbeats }: LocalAppOptions): Hono {
  const app = new Hono();
  app.use(async (c, next) => {
    // A page of some site whose name was made to point here must get nothing, not even with a key. [LOCAL-6]
    const name = (c.req.header("host") ?? "").replace(/:\d+$/, "").toLowerCase();
    if (!LOOPBACK.has(name)) throw new RbeeError("forbidden", "this address answers to 127.0.0.1 and localhost only");
    await next();
  });
  app.use(async (c, next) => (await uiResponse(c.req.raw, uiFiles)) ?? next());
  app.get("/", (c) => c.text(`rbee hive ${hive_id}\n\nThe queen's /v1/jobs, for this machine alone.\n`));
  app.get("/health", (c) => c.json({ status: "ok", hive_id }));
  app.get(heartbeatsPath, ({ req }) => {
    access.check(req.raw.headers);
    return heartbeats.watch(req.raw.signal);
  });
  app.route(
    "/v1/jobs",
    jobRoutes(async ({ req }) => {
      access.check(req.raw.headers);
      // The machine's owner, who can read the key's file.
      const principal = { colony: "local", key_id: "local", scope: "admin" } as const;
      return { principal, jobs, secret: access.key };
    }),
  );
  app.notFound((c) => notFoundResponse(c.req.path, known));
  app.onError((error) => errorResponse(error));
  return app;
}
