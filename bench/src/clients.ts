import { Agent, request, type IncomingMessage } from "node:http";
import { now } from "./clock.ts";

/*
 * Clients that do as little as possible: what is measured is the fleet, not them. Both run one generation and look at
 * every token as it comes.
 */

/** What a generation asks for. */
export interface Ask {
  readonly model: string;
  readonly prompt: string;
  readonly max_tokens: number;
  readonly temperature?: number;
  readonly top_k?: number;
  readonly top_p?: number;
  readonly min_p?: number;
  readonly seed?: number;
  readonly raw?: boolean;
  readonly worker_id?: string;
}

/** One generation as its client saw it; times by `now`. */
export interface Seen {
  readonly sentAt: number;
  firstAt: number;
  lastAt: number;
  endedAt: number;
  tokens: number;
  /** Longest silence between two tokens. */
  gapMs: number;
}

export type OnToken = (text: string, at: number) => void;

const notStarted = (): Seen => ({ sentAt: now(), firstAt: 0, lastAt: 0, endedAt: 0, tokens: 0, gapMs: 0 });

function note(seen: Seen, at: number): void {
  if (seen.tokens === 0) seen.firstAt = at;
  else if (at - seen.lastAt > seen.gapMs) seen.gapMs = at - seen.lastAt;
  seen.lastAt = at;
  seen.tokens += 1;
}

interface Post {
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

class Http {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Infinity, maxFreeSockets: 512 });

  /** Gives every chunk as text to `take`; resolves at the end of the answer. */
  async post({ port, path, headers, body }: Post, take: (chunk: string, at: number) => void): Promise<void> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = { host: "127.0.0.1", port, path, method: "POST", headers, agent: this.#agent };
      const sent = request(options, resolve);
      sent.once("error", reject);
      sent.end(body);
    });
    response.setEncoding("utf8");
    let refusal = "";
    const ok = response.statusCode === 200;
    response.on("data", (chunk: string) => {
      if (ok) take(chunk, now());
      else refusal += chunk;
    });
    await new Promise<void>((resolve, reject) => {
      response.once("end", resolve);
      response.once("error", reject);
      response.once("close", () => reject(new Error("the answer was cut off")));
    });
    if (!ok) throw new Error(`${response.statusCode}: ${refusal}`);
  }
}

const TOKEN = '{"type":"token"';
const RESULT = '{"type":"result"';

/** Submits and reads the stream in one round trip. */
export class QueenClient {
  readonly #http = new Http();
  readonly #port: number;
  readonly #key: string;

  constructor(url: string, key: string) {
    this.#port = Number(new URL(url).port);
    this.#key = key;
  }

  async infer(ask: Ask, onToken: OnToken = () => undefined): Promise<Seen> {
    const seen = notStarted();
    let done = false;
    await this.#stream({ operation: "infer", ...ask }, (data, at) => {
      if (data.startsWith(TOKEN)) {
        note(seen, at);
        onToken((JSON.parse(data) as { text: string }).text, at);
      } else if (data.startsWith('{"type":"error"')) throw new Error(data);
      else if (data === "[DONE]") done = true;
    });
    if (!done) throw new Error("the stream ended without [DONE]");
    seen.endedAt = now();
    return seen;
  }

  /** Submits, and does not read. */
  async submit(ask: Ask): Promise<string> {
    const body = JSON.stringify({ operation: "infer", ...ask });
    const { text } = await this.#request("POST", "/v1/jobs", body);
    return (JSON.parse(text) as { job_id: string }).job_id;
  }

  async cancel(job_id: string): Promise<void> {
    await this.#request("DELETE", `/v1/jobs/${job_id}`);
  }

  /** Opens a job's stream and never reads a byte of it. @returns what closes it */
  async stall(job_id: string): Promise<() => void> {
    const headers = { authorization: `Bearer ${this.#key}` };
    const path = `/v1/jobs/${job_id}/stream?format=json`;
    return new Promise((resolve, reject) => {
      const sent = request({ host: "127.0.0.1", port: this.#port, path, headers, agent: false }, (response) => {
        response.on("error", () => undefined);
        resolve(() => sent.destroy());
      });
      sent.once("error", reject);
      sent.end();
    });
  }

  async #request(method: string, path: string, body?: string): Promise<{ text: string }> {
    const headers = { authorization: `Bearer ${this.#key}`, "content-type": "application/json" };
    const url = `http://127.0.0.1:${this.#port}${path}`;
    const response = await fetch(url, { method, headers, ...(body === undefined ? {} : { body }) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status}: ${text}`);
    return { text };
  }

  /** The result of an operation, whatever it says before. */
  async ask(body: Readonly<Record<string, unknown>>): Promise<unknown> {
    let result: unknown;
    await this.#stream(body, (data) => {
      if (data.startsWith(RESULT)) result = (JSON.parse(data) as { result: unknown }).result;
      else if (data.startsWith('{"type":"error"')) throw new Error(data);
    });
    return result;
  }

  /** A vector of each text. */
  async embed(model: string, input: readonly string[]): Promise<readonly Float32Array[]> {
    const { text } = await this.#request(
      "POST",
      "/v1/embeddings",
      JSON.stringify({ model, input, encoding_format: "base64" }),
    );
    const { data } = JSON.parse(text) as { data: readonly { embedding: string }[] };
    return data.map(({ embedding }) => new Float32Array(new Uint8Array(Buffer.from(embedding, "base64")).buffer));
  }

  async #stream(body: unknown, take: (data: string, at: number) => void): Promise<void> {
    const headers = {
      authorization: `Bearer ${this.#key}`,
      accept: "text/event-stream",
      "content-type": "application/json",
    };
    const post = { port: this.#port, path: "/v1/jobs?format=json", headers, body: JSON.stringify(body) };
    let rest = "";
    let failure: unknown;
    await this.#http.post(post, (chunk, at) => {
      rest += chunk;
      let from = 0;
      for (let end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n", from)) {
        const data = rest.indexOf("data: ", from);
        try {
          if (data >= 0 && data < end) take(rest.slice(data + 6, end), at);
        } catch (error) {
          failure ??= error;
        }
        from = end + 2;
      }
      rest = rest.slice(from);
    });
    if (failure !== undefined) throw failure;
  }
}

/** What it takes to run a generation on a worker directly, past agent and queen. */
export interface WorkerClient {
  generate(ask: Ask): Promise<Seen>;
}

let generations = 0;

export function workerClient(port: number, token: string): WorkerClient {
  const http = new Http();
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  return {
    async generate({ model: _model, worker_id: _worker, ...generation }) {
      generations += 1;
      const body = JSON.stringify({ id: `bench_${process.pid}_${generations}.1`, generation });
      const seen = notStarted();
      let rest = "";
      let last = "";
      await http.post({ port, path: "/generations", headers, body }, (chunk, at) => {
        const lines = (rest + chunk).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) {
          if ("text" in (JSON.parse(line) as object)) note(seen, at);
          else last = line;
        }
      });
      if (!last.includes('"end"')) throw new Error(`the worker failed: ${last}`);
      seen.endedAt = now();
      return seen;
    },
  };
}
