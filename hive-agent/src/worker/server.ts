import { explain, limits, RbeeError, type Piece } from "@rbee/contracts";
import { timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Generations, type GenerationRun } from "./generations.ts";
import {
  EmbedRequest,
  GenerationId,
  GenerationRequest,
  type Engine,
  type Health,
  type StartOptions,
} from "./protocol.ts";

/** What the server says before, and does after, the engine is loaded. */
export interface WorkerState {
  readonly options: StartOptions;
  progress: number;
  engine: Engine | undefined;
}

export interface WorkerServer {
  readonly http: Server;
  /** Milliseconds since anyone asked anything; 0 while a stream is being read. */
  idleMs(): number;
}

export function createWorkerServer(state: WorkerState): WorkerServer {
  let open = 0;
  let lastRequest = performance.now();
  let generations: Generations | undefined;
  const http = createServer((request, response) => {
    open += 1;
    response.once("close", () => {
      open -= 1;
      lastRequest = performance.now();
    });
    if (state.engine !== undefined) generations ??= new Generations(state.engine, state.options.orphan_ms);
    route({ state, generations, request, response }).catch((error: unknown) => refuse(response, error));
  });
  return { http, idleMs: () => (open > 0 ? 0 : performance.now() - lastRequest) };
}

interface Exchange {
  readonly state: WorkerState;
  readonly generations: Generations | undefined;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

async function route(exchange: Exchange): Promise<void> {
  const { state, request, response } = exchange;
  checkCaller(state, request);
  const url = new URL(request.url ?? "/", `http://127.0.0.1:${state.options.port}`);
  const [, collection, id, what, ...more] = url.pathname.split("/");
  if (request.method === "GET" && url.pathname === "/health") return sendHealth(exchange);
  if (request.method === "POST" && url.pathname === "/embeddings") return embed(exchange);
  const known = what === undefined || (what === "taken" && request.method === "POST");
  if (collection !== "generations" || !known || more.length > 0) throw new RbeeError("not_found");
  const { generations } = exchange;
  const confirms = url.searchParams.has("taken");
  if (generations === undefined) throw new RbeeError("unavailable", "the model is still loading");
  if (id === undefined && request.method === "POST") {
    const body = GenerationRequest.safeParse(await readJson(request));
    if (!body.success) throw new RbeeError("invalid_input", explain(body.error));
    const { id, ...work } = body.data;
    return stream(generations.start(id, work), { after: 0, confirms }, response);
  }
  if (!GenerationId.safeParse(id).success || id === undefined) throw new RbeeError("not_found");
  if (request.method === "DELETE") {
    if (!url.searchParams.has("waiting")) generations.remove(id);
    else if (!generations.withdraw(id)) throw new RbeeError("worker_busy", "it has begun");
    response.writeHead(204).end();
    return;
  }
  const run = generations.find(id);
  if (what === "taken" && request.method === "POST") {
    run?.taken(Number(url.searchParams.get("n")) || 0);
    response.writeHead(204).end();
    return;
  }
  if (request.method !== "GET") throw new RbeeError("method_not_allowed");
  const after = Number(url.searchParams.get("after") ?? 0);
  if (run === undefined) throw new RbeeError("not_found", "this worker does not know that generation");
  if (!Number.isInteger(after) || after < 0 || after > run.texts.length) throw new RbeeError("invalid_position");
  stream(run, { after, confirms }, response);
}

/** The token keeps other users of the machine out, the Host check web pages that rebind a name to 127.0.0.1. */
function checkCaller({ options: { token, port } }: WorkerState, request: IncomingMessage): void {
  const sent = Buffer.from(request.headers.authorization ?? "");
  const wanted = Buffer.from(`Bearer ${token}`);
  if (sent.length !== wanted.length || !timingSafeEqual(sent, wanted)) throw new RbeeError("unauthorized");
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  if (!hosts.includes(request.headers.host ?? "")) throw new RbeeError("forbidden", "wrong Host");
}

function sendHealth({ state, response }: Exchange): void {
  const { engine, progress } = state;
  const { model, slots, context } = state.options;
  const ready = engine !== undefined;
  const health: Health = {
    status: ready ? "ready" : "loading",
    model,
    slots,
    slots_busy: engine?.slotsBusy() ?? 0,
    context,
    ...(ready ? {} : { progress }),
  };
  response.writeHead(ready ? 200 : 503, { "content-type": "application/json" }).end(JSON.stringify(health));
}

/** Writes frames as they come: the first at once, then at most one write per worker_flush_ms, and no faster than read. */
function stream(
  run: GenerationRun,
  { after, confirms }: { after: number; confirms: boolean },
  response: ServerResponse,
): void {
  let next = after;
  let timer: NodeJS.Timeout | undefined;
  let flushed = 0;
  let blocked = false;
  response.writeHead(200, { "content-type": "application/x-ndjson", "cache-control": "no-store" });
  const flush = () => {
    timer = undefined;
    let lines = "";
    for (; next < run.texts.length; next += 1) lines += frameOf(next + 1, run.texts[next] ?? "");
    if (run.last !== undefined) {
      detach();
      response.end(`${lines}${JSON.stringify(run.last)}\n`);
      return;
    }
    if (lines === "") return;
    flushed = performance.now();
    blocked = !response.write(lines);
  };
  const wake = () => {
    if (run.last === undefined) {
      if (blocked || timer !== undefined) return;
      const since = performance.now() - flushed;
      if (since < limits.worker_flush_ms) {
        timer = setTimeout(flush, limits.worker_flush_ms - since);
        return;
      }
    }
    clearTimeout(timer);
    flush();
  };
  const detach = run.attach(wake);
  if (confirms) run.taken(0);
  response.on("drain", () => {
    blocked = false;
    wake();
  });
  response.once("close", () => {
    clearTimeout(timer);
    detach();
  });
  response.flushHeaders();
  flush();
}

const frameOf = (n: number, piece: Piece): string =>
  typeof piece === "string" ? `{"n":${n},"text":${JSON.stringify(piece)}}\n` : `${JSON.stringify({ n, ...piece })}\n`;

async function embed({ state: { engine }, request, response }: Exchange): Promise<void> {
  if (engine === undefined) throw new RbeeError("unavailable", "the model is still loading");
  if (engine.embed === undefined) throw new RbeeError("unsupported", "this kind of worker makes no embeddings");
  const body = EmbedRequest.safeParse(await readJson(request));
  if (!body.success) throw new RbeeError("invalid_input", explain(body.error));
  const left = new AbortController();
  response.once("close", () => left.abort(new RbeeError("cancelled")));
  const embeddings = await engine.embed(body.data, left.signal);
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(embeddings));
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limits.frame_bytes_max) throw new RbeeError("payload_too_large");
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown;
  } catch {
    throw new RbeeError("invalid_json");
  }
}

function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const problem = (error instanceof RbeeError ? error : new RbeeError("internal")).toProblem();
  response.writeHead(problem.status, { "content-type": "application/problem+json" }).end(JSON.stringify(problem));
}
