import { RbeeError } from "@rbee/contracts";
import { Hono, type Context } from "hono";
import { cors } from "hono/cors";
import type { Env } from "../env.ts";
import { hives } from "./hives.ts";
import { jobs } from "./jobs.ts";
import { openApi } from "./openapi.ts";
import { errorResponse, problemResponse } from "./problem.ts";

export const app = new Hono<{ Bindings: Env }>();

app.get("/", (c) =>
  c.text(
    "rbee queen\n\nPOST /v1/jobs\nGET  /v1/jobs\nGET  /v1/jobs/{id}\nGET  /v1/jobs/{id}/stream\nDELETE /v1/jobs/{id}\nGET  /health\nGET  /openapi.json\n",
  ),
);
app.get("/health", (c) => c.json({ status: "ok" }));
app.get("/openapi.json", (c) => c.json(openApi()));
// Only pages of origins that the owner named may use a key from a browser.
app.use(
  "/v1/jobs/*",
  cors({
    origin: (origin, c: Context<{ Bindings: Env }>) => (originsOf(c.env).includes(origin) ? origin : null),
    allowMethods: ["GET", "POST", "DELETE"],
    allowHeaders: ["authorization", "content-type", "idempotency-key", "last-event-id"],
    exposeHeaders: ["x-rbee-job-id", "location", "retry-after"],
  }),
);
app.route("/v1/jobs", jobs);
app.route("/v1", hives);

const originsOf = (env: Env): string[] => (env.RBEE_ORIGINS ?? "").split(",").map((origin) => origin.trim());

const known: readonly { path: RegExp; methods: string }[] = [
  { path: /^\/v1\/jobs\/?$/, methods: "GET, POST" },
  { path: /^\/v1\/jobs\/[^/]+$/, methods: "GET, DELETE" },
  { path: /^\/(|health|openapi\.json|v1\/jobs\/[^/]+\/stream)$/, methods: "GET" },
  { path: /^\/v1\/enroll$/, methods: "POST" },
];

app.notFound((c) => {
  const methods = known.find(({ path }) => path.test(c.req.path))?.methods;
  if (methods === undefined)
    return problemResponse(new RbeeError("not_found", `there is no ${c.req.path.slice(0, 128)}`).toProblem());
  return problemResponse(new RbeeError("method_not_allowed", `${c.req.path} takes ${methods}`).toProblem(), {
    allow: methods,
  });
});

app.onError((error) => errorResponse(error));
