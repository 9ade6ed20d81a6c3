import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { HandlerEvent, JobView } from "@rbee/contracts";
import { systemClock } from "../clock.ts";
import type { HiveContext } from "../jobs/handler.ts";
import { inventory, playing } from "../link/testing/handlers.ts";
import { silentLog, type Log } from "../log.ts";
import { LocalServer } from "./server.ts";

export type Play = (context: HiveContext) => AsyncGenerator<HandlerEvent, { models: never[] }, void>;

/** A machine's local server over one home; an agent can be started over it again and again. */
export class LocalHouse {
  readonly home = mkdtempSync(join(tmpdir(), "rbee-local-"));
  #server: LocalServer | undefined;

  /** @param boot changes when the machine itself restarts */
  async start(play: Play, options: { boot?: string; port?: number; log?: Log } = {}): Promise<this> {
    const { boot = "boot-1", port = 0, log = silentLog } = options;
    const stock = () => ({ ...inventory, workers: [] });
    const base = {
      hive_id: "den",
      home: this.home,
      port,
      inventory: stock,
      activeOn: () => 0,
      clock: systemClock,
      log,
      boot,
    };
    this.#server = new LocalServer({ ...base, handlers: playing(play) });
    await this.#server.start();
    return this;
  }

  get server(): LocalServer {
    if (this.#server === undefined) throw new Error("not started");
    return this.#server;
  }

  get url(): string {
    return this.server.url ?? "";
  }

  get key(): string {
    return (JSON.parse(readFileSync(join(this.home, "local.json"), "utf8")) as { key: string }).key;
  }

  /** As an agent that is killed: nothing more is written. */
  stop(): void {
    this.#server?.close();
    this.#server = undefined;
  }

  end(): void {
    this.stop();
    rmSync(this.home, { recursive: true, force: true });
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { authorization: `Bearer ${this.key}`, ...(init.headers as Record<string, string>) };
    return fetch(`${this.url}${path}`, { ...init, headers });
  }

  post(body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return this.fetch("/v1/jobs", { method: "POST", body: JSON.stringify(body), headers });
  }

  async submit(body: unknown = { operation: "model_list" }, headers: Record<string, string> = {}): Promise<string> {
    const response = await this.post(body, headers);
    const answer = (await response.json()) as { job_id?: string };
    if (answer.job_id === undefined) throw new Error(JSON.stringify(answer));
    return answer.job_id;
  }

  async view(id: string): Promise<JobView> {
    return (await (await this.fetch(`/v1/jobs/${id}`)).json()) as JobView;
  }

  /** The whole stream, when it has ended. */
  async read(id: string, query = ""): Promise<string[]> {
    return linesOf(await (await this.fetch(`/v1/jobs/${id}/stream${query}`)).text());
  }

  /** A request as a page of another site would send it. */
  async withHost(host: string): Promise<{ status: number; body: string }> {
    const { port } = new URL(this.url);
    const headers = { host, authorization: `Bearer ${this.key}` };
    const sent = request({ host: "127.0.0.1", port, path: "/v1/jobs", headers }).end();
    const response = await new Promise<import("node:http").IncomingMessage>((resolve, reject) => {
      sent.on("response", resolve).on("error", reject);
    });
    return { status: response.statusCode ?? 0, body: await text(response) };
  }
}

/** The data lines of server-sent events. */
export const linesOf = (stream: string): string[] =>
  stream.split("\n").flatMap((line) => (line.startsWith("data: ") ? [line.slice("data: ".length)] : []));

/** Reads a stream until this was said; the rest stays unread. */
export async function until(response: Response, said: string): Promise<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let seen = "";
  if (reader === undefined) return seen;
  while (!seen.includes(said)) {
    const { value, done } = await reader.read();
    if (done) break;
    seen += decoder.decode(value, { stream: true });
  }
  reader.releaseLock();
  return seen;
}
