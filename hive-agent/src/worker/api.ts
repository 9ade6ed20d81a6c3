import { limits, RbeeError } from "@rbee/contracts";
import { createParser } from "eventsource-parser";
import http from "node:http";
import https from "node:https";
import { z } from "zod";

/** A server that speaks OpenAI's API. */
export interface ApiServer {
  /** Everything before `/v1`. */
  readonly base: string;
  /** How it is called in errors. */
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** GET or POST, without following redirects. @throws RbeeError worker_died when there is no answer */
async function request(server: ApiServer, path: string, options: { signal: AbortSignal; body?: unknown }) {
  const { signal, body } = options;
  const url = new URL(server.base + path);
  const send = url.protocol === "https:" ? https.request : http.request;
  const content = body === undefined ? undefined : JSON.stringify(body);
  const type = content === undefined ? {} : { "content-type": "application/json" };
  return await new Promise<http.IncomingMessage>((resolve, reject) => {
    const method = content === undefined ? "GET" : "POST";
    const call = send(url, { method, signal, headers: { ...server.headers, ...type } }, resolve);
    call.once("error", (error) => reject(signal.aborted ? (signal.reason as Error) : gone(server, error)));
    call.end(content);
  });
}

const gone = ({ name }: ApiServer, cause?: unknown): RbeeError => {
  const why = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
  return new RbeeError("worker_died", `${name} broke the connection${why}`, { cause });
};

/** One JSON answer. @throws RbeeError */
export async function getJson(server: ApiServer, path: string, signal: AbortSignal): Promise<unknown> {
  const response = await request(server, path, { signal });
  const text = await textOf(response, server);
  if (response.statusCode !== 200) throw refusal(server, response.statusCode ?? 0, text);
  return parsed(server, text);
}

/** The answer to one request. @throws RbeeError */
export async function postJson(
  server: ApiServer,
  call: { path: string; body: unknown },
  signal: AbortSignal,
): Promise<unknown> {
  const response = await request(server, call.path, { signal, body: call.body });
  const text = await textOf(response, server, limits.server_answer_bytes_max);
  if (response.statusCode !== 200) throw refusal(server, response.statusCode ?? 0, text);
  return parsed(server, text);
}

/** The events of a streamed answer, up to `[DONE]`. @throws RbeeError, also when the stream breaks off */
export async function* events(
  server: ApiServer,
  call: { path: string; body: unknown },
  signal: AbortSignal,
): AsyncGenerator<unknown, void, void> {
  const silent = new AbortController();
  const timer = setTimeout(() => silent.abort(silence(server)), limits.server_silence_ms);
  const either = AbortSignal.any([signal, silent.signal]);
  let response: http.IncomingMessage | undefined;
  try {
    response = await request(server, call.path, { signal: either, body: call.body });
    if (response.statusCode !== 200) {
      throw refusal(server, response.statusCode ?? 0, await textOf(response, server));
    }
    for await (const data of eventData(response, server)) {
      timer.refresh();
      if (data === "[DONE]") return;
      yield parsed(server, data);
    }
  } catch (error) {
    either.throwIfAborted();
    throw error instanceof RbeeError ? error : gone(server, error);
  } finally {
    clearTimeout(timer);
    // Leaving is how the server learns that nobody wants the rest.
    response?.destroy();
  }
  throw gone(server);
}

async function* eventData(response: http.IncomingMessage, server: ApiServer): AsyncGenerator<string, void, void> {
  let came: string[] = [];
  let pending = 0;
  const parser = createParser({ onEvent: ({ data }) => came.push(data) });
  response.setEncoding("utf8");
  for await (const chunk of response as AsyncIterable<string>) {
    parser.feed(chunk);
    pending = came.length > 0 ? 0 : pending + chunk.length;
    if (pending > limits.server_event_bytes_max) throw strange(server, "an event without an end");
    const ready = came;
    came = [];
    yield* ready;
  }
}

const silence = ({ name }: ApiServer): RbeeError => new RbeeError("worker_died", `${name} said nothing for too long`);

const strange = ({ name }: ApiServer, what: string): RbeeError =>
  new RbeeError("internal", `${name} does not speak the API: it sent ${what}`);

function parsed(server: ApiServer, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw strange(server, "what is not JSON");
  }
}

async function textOf(
  response: http.IncomingMessage,
  server: ApiServer,
  most: number = limits.server_event_bytes_max,
): Promise<string> {
  let text = "";
  response.setEncoding("utf8");
  for await (const chunk of response as AsyncIterable<string>) {
    text += chunk;
    if (text.length > most) throw strange(server, "too long an answer");
  }
  return text;
}

const MESSAGE_CHARS = 512;

/** What a server's refusal means here. */
export function refusal({ name }: ApiServer, status: number, body: string): RbeeError {
  const { message, type } = errorOf(body);
  const said = `${name} refused (${status})${message === "" ? "" : `: ${message.slice(0, MESSAGE_CHARS)}`}`;
  if (/exceed_context|context_length|maximum context/.test(`${type} ${message}`)) {
    return new RbeeError("context_length_exceeded", said);
  }
  if (status === 429 || status === 503) return new RbeeError("worker_busy", said);
  if (status >= 300 && status < 500) return new RbeeError("unsupported", said);
  return new RbeeError("internal", said);
}

const Refusal = z.object({ error: z.object({ message: z.string().default(""), type: z.string().default("") }) });

function errorOf(body: string): { message: string; type: string } {
  try {
    return Refusal.parse(JSON.parse(body)).error;
  } catch {
    return { message: "", type: "" };
  }
}
