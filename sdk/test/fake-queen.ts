import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { isTerminal, problemFrom, problemOf, type ErrorCode, type JobEvent, type JobState } from "@rbee/contracts";
import {
  encodeEntries,
  isEndOfJob,
  parsePosition,
  isAfter,
  origin,
  type LogEntry,
  type StreamFormat,
} from "@rbee/job-core";

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Record<string, unknown> | undefined;
}

/** What a job does: yields its events; the last one may be left out when the signal was aborted. */
export type Play = (
  input: Record<string, unknown>,
  signal: AbortSignal,
) => AsyncIterable<JobEvent> | Iterable<JobEvent>;

interface FakeJob {
  readonly id: string;
  readonly operation: string;
  readonly asked: Record<string, unknown>;
  readonly log: LogEntry[];
  readonly cancel: AbortController;
  readonly moved: Set<() => void>;
}

/** How the next stream connections break: cut the socket after so many bytes, write so many bytes at a time. */
export interface Faults {
  cutAfterBytes: number[];
  chunkBytes: number;
  /** Answers given instead of the real ones, first in first out. */
  refusals: { status: number; code?: ErrorCode; headers?: Record<string, string>; body?: string; destroy?: boolean }[];
  /** Processes the request and then drops the connection without an answer. */
  loseAnswers: number;
}

/** The queen's HTTP surface with jobs that a test scripts. Real sockets, so that a test can break them. */
export class FakeQueen {
  readonly requests: SeenRequest[] = [];
  readonly jobs = new Map<string, FakeJob>();
  readonly faults: Faults = { cutAfterBytes: [], chunkBytes: Infinity, refusals: [], loseAnswers: 0 };
  readonly key = "rbk_test";
  url = "";
  readonly #plays: Record<string, Play>;
  readonly #byIdempotencyKey = new Map<string, FakeJob>();
  readonly #watchers = new Set<() => void>();
  readonly #server = createServer((request, response) => {
    this.#serve(request, response).catch((error: unknown) => {
      if (!response.headersSent) sendProblem(response, problemFrom(error));
      else response.destroy();
    });
  });

  constructor(plays: Record<string, Play>) {
    this.#plays = plays;
  }

  async start(): Promise<this> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this;
  }

  async stop(): Promise<void> {
    for (const job of this.jobs.values()) job.cancel.abort();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  /** Waits until a request that fits was seen. */
  async seen(fits: (request: SeenRequest) => boolean): Promise<SeenRequest> {
    for (;;) {
      const found = this.requests.find(fits);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#watchers.add(resolve));
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.url);
    let text = "";
    for await (const chunk of request.setEncoding("utf8") as AsyncIterable<string>) text += chunk;
    const body = text === "" ? undefined : (JSON.parse(text) as Record<string, unknown>);
    const method = request.method ?? "GET";
    this.requests.push({ method, path: url.pathname + url.search, headers: request.headers, body });
    for (const wake of this.#watchers) wake();
    const refusal = this.faults.refusals.shift();
    if (refusal?.destroy === true) return void request.socket.destroy();
    if (refusal !== undefined) {
      if (refusal.code !== undefined) return sendProblem(response, problemOf(refusal.code), refusal.headers);
      return void response.writeHead(refusal.status, refusal.headers).end(refusal.body ?? "<html>proxy</html>");
    }
    if (request.headers.authorization !== `Bearer ${this.key}`) return sendProblem(response, problemOf("unauthorized"));
    const [, jobId, part] = /^\/v1\/jobs(?:\/(job_\w+)(\/stream|\/retry)?)?$/.exec(url.pathname) ?? [];
    if (jobId === undefined)
      return method === "POST" ? this.#submit(request, response, body ?? {}) : this.#list(response, url);
    const job = this.jobs.get(jobId);
    if (job === undefined) return sendProblem(response, problemOf("job_not_found"));
    if (part === "/retry") return this.#submit(request, response, job.asked);
    if (part === "/stream") return this.#stream(job, url, response);
    if (method !== "DELETE") return sendJson(response, 200, this.#view(job));
    const before = stateOf(job);
    job.cancel.abort();
    sendJson(response, 200, { job_id: job.id, status: isTerminal(before) ? before : "cancelling" });
  }

  async #submit(request: IncomingMessage, response: ServerResponse, body: Record<string, unknown>): Promise<void> {
    const { operation, ...input } = body;
    const play = this.#plays[String(operation)];
    if (play === undefined) return sendProblem(response, problemOf("unknown_operation"));
    const key = String(request.headers["idempotency-key"]);
    let job = this.#byIdempotencyKey.get(key);
    const status = job === undefined ? 202 : 200;
    if (job === undefined) {
      const id = `job_${String(this.jobs.size + 1)
        .replaceAll("1", "a")
        .padStart(26, "2")
        .replaceAll(/[^a-z2-7]/g, "b")}`;
      job = { id, operation: String(operation), asked: body, log: [], cancel: new AbortController(), moved: new Set() };
      this.jobs.set(id, job);
      this.#byIdempotencyKey.set(key, job);
      void this.#play(job, play, input);
    }
    if (this.faults.loseAnswers > 0) {
      this.faults.loseAnswers--;
      return void request.socket.destroy();
    }
    if (request.headers.accept === "text/event-stream")
      return this.#stream(job, new URL(request.url ?? "", this.url), response);
    sendJson(response, status, { job_id: job.id, sse_url: `/v1/jobs/${job.id}/stream` });
  }

  async #play(job: FakeJob, play: Play, input: Record<string, unknown>): Promise<void> {
    const add = (event: JobEvent): void => {
      job.log.push({ position: { term: 1, seq: job.log.length + 1 }, event });
      for (const wake of job.moved) wake();
    };
    for await (const event of play(input, job.cancel.signal)) add(event);
    const last = job.log.at(-1);
    if (job.cancel.signal.aborted && (last === undefined || !isEndOfJob(last.event)))
      add({ type: "state", state: "cancelled" });
  }

  async #stream(job: FakeJob, url: URL, response: ServerResponse): Promise<void> {
    const format = (url.searchParams.get("format") ?? "text") as StreamFormat;
    let after = url.searchParams.get("after") === null ? origin : parsePosition(url.searchParams.get("after") ?? "");
    response.writeHead(200, { "content-type": "text/event-stream", "x-rbee-job-id": job.id });
    const write = this.#faultyWriter(response);
    const closed = once(response, "close");
    await write("retry: 1\n\n");
    for (;;) {
      const fresh = job.log.filter(({ position }) => isAfter(position, after));
      after = fresh.at(-1)?.position ?? after;
      await write(encodeEntries(fresh, format));
      const last = job.log.at(-1);
      if (last !== undefined && isEndOfJob(last.event)) {
        if (fresh.length === 0) await write("data: [DONE]\n\n");
        return void response.end();
      }
      if (response.destroyed) return;
      await Promise.race([closed, new Promise<void>((resolve) => job.moved.add(resolve))]);
    }
  }

  #faultyWriter(response: ServerResponse): (text: string) => Promise<void> {
    const { chunkBytes } = this.faults;
    let left = this.faults.cutAfterBytes.shift() ?? Infinity;
    return async (text) => {
      const bytes = Buffer.from(text).subarray(0, left);
      left -= bytes.length;
      for (let at = 0; at < bytes.length && !response.destroyed; at += chunkBytes) {
        await new Promise<unknown>((resolve) => response.write(bytes.subarray(at, at + chunkBytes), resolve));
      }
      if (left === 0) response.destroy();
    };
  }

  #view(job: FakeJob): Record<string, unknown> {
    const last = job.log.at(-1)?.event;
    const outcome = last?.type === "result" ? { result: last.result } : {};
    const [hive_id] = job.log.flatMap(({ event }) => (event.type === "state" ? (event.hive_id ?? []) : []));
    return {
      job_id: job.id,
      operation: job.operation,
      state: stateOf(job),
      cancelling: false,
      submitted_at: 1_700_000_000_000,
      dispatches: 1,
      hive_id,
      ...outcome,
    };
  }

  #list(response: ServerResponse, url: URL): void {
    const jobs = [...this.jobs.values()].toReversed().map((job) => this.#view(job));
    sendJson(response, 200, { jobs: jobs.slice(0, Number(url.searchParams.get("limit") ?? 100)) });
  }
}

function stateOf(job: FakeJob): JobState {
  const last = job.log.at(-1)?.event;
  if (last?.type === "result") return "succeeded";
  if (last?.type === "error") return "failed";
  return last?.type === "state" && last.state === "cancelled" ? "cancelled" : "running";
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function sendProblem(
  response: ServerResponse,
  problem: { status: number },
  headers: Record<string, string> = {},
): void {
  response
    .writeHead(problem.status, { "content-type": "application/problem+json", ...headers })
    .end(JSON.stringify(problem));
}

/** Events of a generation: some words, then the result. */
export function generation(words: readonly string[]): JobEvent[] {
  const text = words.join("");
  return [
    { type: "state", state: "dispatched", hive_id: "localhost" },
    { type: "narration", actor: "worker", action: "load", level: "info", human: "Loading bee-tiny" },
    ...words.map((word): JobEvent => ({ type: "token", text: word })),
    { type: "result", result: resultOf(text, words.length) },
  ];
}

export const resultOf = (text: string, tokens: number): Record<string, unknown> => ({
  text,
  finish_reason: "stop",
  usage: { prompt_tokens: 3, cached_tokens: 0, completion_tokens: tokens, total_tokens: 3 + tokens },
  timings: { wait_ms: 0, prompt_ms: 1, generation_ms: 10, tokens_per_s: 100 },
  model: "bee-tiny",
  hive_id: "localhost",
  worker_id: "worker-1",
});
