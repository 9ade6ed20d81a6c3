import { exports } from "cloudflare:workers";
import { Problem, type ApiKey, type JobView, type Scope } from "@rbee/contracts";

/** The queen's own routes, spoken to as a client does. */
const API_KEY = `rbk_${"k".repeat(43)}`;
const BASE = "https://queen";

export const queen = (path: string, init: RequestInit = {}): Promise<Response> =>
  exports.default.fetch(`${BASE}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${API_KEY}`, ...(init.headers as Record<string, string>) },
  });

export const post = (body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  queen("/v1/jobs", { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body), headers });

/** A job that any fleet of the tests can do. */
export const INFER = { operation: "infer", model: "bee", prompt: "Hello" };

/** Submits and gives the id. */
export async function submit(body: Record<string, unknown>): Promise<string> {
  const response = await post(body);
  const answer: { job_id: string } = await response.json();
  if (response.status !== 202) throw new Error(JSON.stringify(answer));
  return answer.job_id;
}

export const view = async (id: string): Promise<JobView> => (await queen(`/v1/jobs/${id}`)).json();

export interface SseEvent {
  readonly id?: string;
  readonly data: string;
}

/** A reader that takes one event at a time, so that a test waits for what it means to see. */
export class SseReader {
  readonly #reader: ReadableStreamDefaultReader<string>;
  #buffer = "";

  constructor(response: Response) {
    if (response.body === null) throw new Error("no body");
    this.#reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  }

  static async open(id: string, query = ""): Promise<SseReader> {
    return new SseReader(await queen(`/v1/jobs/${id}/stream${query}`));
  }

  /** `undefined` at the end of the stream. */
  async next(): Promise<SseEvent | undefined> {
    for (;;) {
      const end = this.#buffer.indexOf("\n\n");
      if (end < 0) {
        const { value, done } = await this.#reader.read();
        if (done) return undefined;
        this.#buffer += value;
        continue;
      }
      const lines = this.#buffer.slice(0, end).split("\n");
      this.#buffer = this.#buffer.slice(end + 2);
      const data = lines.find((line) => line.startsWith("data: "))?.slice(6);
      const id = lines.find((line) => line.startsWith("id: "))?.slice(4);
      if (data !== undefined) return { data, ...(id === undefined ? {} : { id }) };
    }
  }

  async rest(): Promise<SseEvent[]> {
    const events: SseEvent[] = [];
    for (let event = await this.next(); event !== undefined; event = await this.next()) events.push(event);
    return events;
  }

  close(): Promise<void> {
    return this.#reader.cancel();
  }
}

/** Everything a reader would see, from the start to `[DONE]`. */
export const readAll = async (id: string, query = ""): Promise<SseEvent[]> => (await SseReader.open(id, query)).rest();

export const dataOf = (events: readonly SseEvent[]): string[] => events.map(({ data }) => data);

/** Runs an operation that the queen answers herself, and gives its result. */
export async function run<Result>(body: Record<string, unknown>): Promise<Result> {
  const [first] = await new SseReader(await post(body, { accept: "text/event-stream" })).rest();
  return JSON.parse(first?.data ?? "null") as Result;
}

/** A key that the owner made. */
export type MadeKey = ApiKey & { key: string };
export const makeKey = (name: string, scope: Scope = "infer", more: object = {}) =>
  run<MadeKey>({ operation: "key_create", name, scope, ...more });
/** Headers of somebody who has this key. */
export const shows = (key: string) => ({ authorization: `Bearer ${key}` });

/** The code of a refusal, which is a whole problem; `undefined`: it was none. */
export async function codeOf(response: Response): Promise<string | undefined> {
  if (response.ok) {
    await response.body?.cancel();
    return undefined;
  }
  const problem = Problem.parse(await response.json());
  return problem.code;
}

/** Submits with a key, and gives the id, whatever becomes of it. */
export async function submitWith(body: Record<string, unknown>, key?: string): Promise<string> {
  const response = await post(body, key === undefined ? {} : shows(key));
  const { job_id }: { job_id: string } = await response.json();
  return job_id;
}
