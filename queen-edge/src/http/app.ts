import { queenTimeHeader, RbeeError } from "@rbee/contracts";
import { errorResponse, jobPaths, notFoundResponse } from "@rbee/job-http";
import { Hono, type Context } from "hono";
import { cors } from "hono/cors";
import type { Env } from "../env.ts";
import { anthropic } from "./anthropic/routes.ts";
import { heartbeats } from "./heartbeats.ts";
import { hives } from "./hives.ts";
import { jobs } from "./jobs.ts";
import { metrics } from "./metrics.ts";
import { openApi } from "./openapi.ts";
import { ollama } from "./ollama/routes.ts";
import { openai } from "./openai/routes.ts";
import { ui } from "./ui.ts";

export const app = new Hono<{ Bindings: Env }>();

// What the engine takes for a request may be for no place at all: two hosts, or what is no host.
app.use(async ({ req }, next) => {
  if (!URL.canParse(req.url)) throw new RbeeError("invalid_input", "the host header names no host");
  return next();
});
app.use(ui);
app.get("/", (c) =>
  c.text(
    "rbee queen\n\nPOST /v1/jobs\nGET  /v1/jobs\nGET  /v1/jobs/{id}\nGET  /v1/jobs/{id}/stream\nPOST /v1/jobs/{id}/retry\nDELETE /v1/jobs/{id}\nGET  /v1/heartbeats/stream\nGET  /health\nGET  /metrics\nGET  /openapi.json\n\nOpenAI's API at /v1 and /openai/v1, Anthropic's at /v1/messages, Ollama's at /api\n",
  ),
);
// A hive that tests itself holds its clock against this one.
app.get("/health", (c) => c.json({ status: "ok" }, 200, { [queenTimeHeader]: String(Date.now()) }));
app.get("/openapi.json", (c) => c.json(openApi()));
// Only pages of origins that the owner named may use a key from a browser. They may send any header: clients of other APIs
// have some of their own.
for (const path of [
  "/v1/jobs/*",
  "/v1/heartbeats/*",
  "/v1/:api{models|chat|completions|embeddings|responses|messages}/*",
  "/openai/*",
  "/api/*",
])
  app.use(
    path,
    cors({
      origin: (origin, c: Context<{ Bindings: Env }>) => (originsOf(c.env).includes(origin) ? origin : null),
      allowMethods: ["GET", "POST", "DELETE"],
      exposeHeaders: ["x-rbee-job-id", "x-request-id", "request-id", "location", "retry-after"],
    }),
  );
app.route("/v1/jobs", jobs);
app.route("/v1/heartbeats", heartbeats);
app.route("/v1", hives);
app.route("/metrics", metrics);
app.route("/v1", anthropic);
app.route("/v1", openai);
app.route("/openai/v1", openai);
app.route("/api", ollama);

const originsOf = (env: Env): string[] => (env.RBEE_ORIGINS ?? "").split(",").map((origin) => origin.trim());

const known = [
  ...jobPaths,
  { path: /^\/(|health|metrics|openapi\.json)$/, methods: "GET" },
  { path: /^\/v1\/heartbeats\/stream$/, methods: "GET" },
  { path: /^\/v1\/enroll$/, methods: "POST" },
];

app.notFound((c) => notFoundResponse(c.req.path, known));
app.onError((error) => errorResponse(error));
