import {
  CancelAnswer,
  Heartbeat,
  JobList,
  JobView,
  limits,
  operationNames,
  operationOf,
  Problem,
  Submitted,
} from "@rbee/contracts";
import { z } from "zod";

const json = (schema: z.ZodType) => ({ "application/json": { schema: z.toJSONSchema(schema, { io: "output" }) } });

const problem = {
  description: "What was wrong and what to do",
  content: { "application/problem+json": { schema: z.toJSONSchema(Problem) } },
};

const sse = {
  description: "Server-sent events, ending in [DONE]",
  content: { "text/event-stream": { schema: { type: "string" } } },
};

const onDisconnect = {
  name: "on_disconnect",
  in: "query",
  schema: { enum: ["detach", "cancel"], default: "detach" },
  description: "What becomes of the job when this stream is closed before its end",
};

const session = {
  name: "x-session-affinity",
  in: "header",
  schema: { type: "string", maxLength: limits.session_chars_max },
  description: "Requests of one session go to the same worker while it has room; as `session` in the body",
};

const metrics = {
  summary: "The fleet in figures, for Prometheus; needs an operator's key",
  responses: {
    200: { description: "Text format 0.0.4", content: { "text/plain": { schema: { type: "string" } } } },
    default: problem,
  },
};

const heartbeats = {
  summary: "The fleet, live: everything first, then what changed; needs an operator's key",
  responses: {
    200: {
      description: "Server-sent events, each a heartbeat; a field that is not in it is as it was",
      content: { "text/event-stream": { schema: z.toJSONSchema(Heartbeat, { io: "output" }) } },
    },
    default: problem,
  },
};

const idempotency = { name: "Idempotency-Key", in: "header", schema: { type: "string", maxLength: 255 } };

const submitted = {
  202: { description: "The job has started", content: json(Submitted) },
  200: { description: "The same key again: the same job", content: json(Submitted) },
  default: problem,
};

const job = { name: "id", in: "path", required: true, schema: { type: "string" } };

const ofOneJob = {
  "/v1/jobs/{id}": {
    get: {
      summary: "Show a job",
      parameters: [job],
      responses: { 200: { description: "The job", content: json(JobView) }, default: problem },
    },
    delete: {
      summary: "Cancel a job",
      parameters: [job],
      responses: { 200: { description: "What it is now", content: json(CancelAnswer) }, default: problem },
    },
  },
  "/v1/jobs/{id}/stream": {
    get: {
      summary: "Follow a job from any position",
      parameters: [
        job,
        { name: "after", in: "query", schema: { type: "string" }, description: "Id of the last event you saw" },
        { name: "format", in: "query", schema: { enum: ["text", "json"] } },
        onDisconnect,
      ],
      responses: { 200: sse, default: problem },
    },
  },
  "/v1/jobs/{id}/retry": {
    post: {
      summary: "Submit once more what a job was asked for; its own key may, and an operator's",
      parameters: [job, idempotency],
      responses: submitted,
    },
  },
};

/** The OpenAPI document, made from the operations table. */
export function openApi(): Record<string, unknown> {
  return {
    openapi: "3.1.0",
    info: {
      title: "rbee queen",
      version: "1",
      description: "One endpoint over all the GPUs you own. Every operation is a job.",
    },
    components: { securitySchemes: { key: { type: "http", scheme: "bearer" } } },
    security: [{ key: [] }],
    paths: {
      "/v1/jobs": {
        post: {
          summary: "Submit an operation",
          parameters: [
            idempotency,
            {
              name: "Accept",
              in: "header",
              schema: { type: "string" },
              description: "text/event-stream answers with the stream itself",
            },
            onDisconnect,
            session,
          ],
          requestBody: {
            required: true,
            content: { "application/json": { schema: { oneOf: operationNames.map(bodyOf) } } },
          },
          responses: submitted,
        },
        get: {
          summary: "List jobs, newest first",
          parameters: [{ name: "limit", in: "query", schema: { type: "integer", minimum: 1, maximum: 200 } }],
          responses: { 200: { description: "Jobs", content: json(JobList) }, default: problem },
        },
      },
      "/metrics": { get: metrics },
      "/v1/heartbeats/stream": { get: heartbeats },
      ...ofOneJob,
    },
  };
}

function bodyOf(name: (typeof operationNames)[number]): Record<string, unknown> {
  const row = operationOf(name);
  const schema = z.toJSONSchema(row.input, { io: "input" }) as { properties?: object; required?: string[] };
  return {
    ...schema,
    title: name,
    description: row.summary,
    properties: { operation: { const: name }, ...schema.properties },
    required: ["operation", ...(schema.required ?? [])],
  };
}
