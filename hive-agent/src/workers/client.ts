import { isJustText, limits, Problem, RbeeError, type Generation, type Piece } from "@rbee/contracts";
import http from "node:http";
import { Embeddings, Health, LastFrame, type EmbedWork, type Frame, type GenerationEnd } from "../worker/protocol.ts";

export interface GenerationCall {
  /** `<job_id>.<term>`. */
  readonly id: string;
  /** Absent: attach to what the worker runs under this id already. */
  readonly generation?: Generation;
  /** Behind which frames of a lost worker it goes on. */
  readonly resume?: readonly string[] | undefined;
}

const UNAUTHORIZED = 401;

/** Speaks worker/protocol.ts with one worker. */
export class WorkerClient {
  readonly #port: number;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #agent = new http.Agent({ keepAlive: true, maxFreeSockets: limits.slots_max });

  constructor(port: number, token: string) {
    this.#port = port;
    this.#headers = { authorization: `Bearer ${token}` };
  }

  /** What it says about itself; undefined when nobody answers, or somebody else. */
  async health(): Promise<Health | undefined> {
    try {
      const signal = AbortSignal.timeout(limits.worker_request_ms);
      const response = await this.#request("GET", "/health", { signal });
      const parsed = Health.safeParse(JSON.parse(await textOf(response)));
      return parsed.success ? parsed.data : undefined;
    } catch {
      return undefined;
    }
  }

  /** Stops a generation and lets the worker forget it. A worker that does not answer has nothing to stop. */
  async remove(id: string): Promise<void> {
    const signal = AbortSignal.timeout(limits.worker_request_ms);
    await this.#request("DELETE", `/generations/${id}`, { signal })
      .then(textOf)
      .catch(() => undefined);
  }

  /** Takes back a generation that waits for a slot. @returns whether it was taken back */
  async withdraw(id: string): Promise<boolean> {
    const signal = AbortSignal.timeout(limits.worker_request_ms);
    try {
      const response = await this.#request("DELETE", `/generations/${id}?waiting`, { signal });
      await textOf(response);
      return response.statusCode === 204;
    } catch {
      return false;
    }
  }

  /**
   * Yields the piece of each frame and returns the end. A broken connection @throws ConnectionLost, a refusal or a failed
   * generation the worker's RbeeError. Closing the iterator only detaches.
   */
  async *frames(call: GenerationCall, signal: AbortSignal): AsyncGenerator<Piece, GenerationEnd, void> {
    const response = await this.#open(call, signal);
    const { statusCode } = response;
    if (statusCode !== 200) throw refusal(statusCode, await textOf(response).catch(() => ""));
    let rest = "";
    let ended = false;
    response.setEncoding("utf8");
    try {
      for await (const chunk of response.iterator({ destroyOnReturn: false }) as AsyncIterable<string>) {
        const lines = (rest + chunk).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) {
          const frame = JSON.parse(line) as Frame;
          if ("text" in frame) {
            const { n, ...piece } = frame;
            yield isJustText(piece) ? piece.text : piece;
            // Whoever asked for more has used it; an engine far ahead of that waits.
            if (n % limits.worker_taken_frames === 0) this.#taken(call.id, n);
          } else {
            ended = true;
            return endOf(frame);
          }
        }
      }
    } catch (error) {
      if (error instanceof RbeeError || signal.aborted) throw error;
      throw new ConnectionLost(error);
    } finally {
      // After the last frame the connection serves the next request; before it, the worker must see that we left.
      if (ended) response.resume();
      else response.destroy();
    }
    throw new ConnectionLost(undefined);
  }

  /** @throws RbeeError; ConnectionLost */
  async embed({ texts, truncate = false }: EmbedWork, signal: AbortSignal): Promise<Embeddings> {
    if (!truncate) return await this.#embed({ texts }, signal);
    try {
      return await this.#embed({ texts, truncate }, signal);
    } catch (error) {
      // A worker of an agent a version behind refuses the word: it embeds what fits, and says what does not.
      if (error instanceof RbeeError && error.code === "invalid_input") return await this.#embed({ texts }, signal);
      throw error;
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #embed(work: EmbedWork, signal: AbortSignal): Promise<Embeddings> {
    const body = JSON.stringify(work);
    let answer: string;
    let status: number | undefined;
    try {
      const response = await this.#request("POST", "/embeddings", { signal, body });
      status = response.statusCode;
      answer = await textOf(response);
    } catch (error) {
      signal.throwIfAborted();
      throw new ConnectionLost(error);
    }
    if (status !== 200) throw refusal(status, answer);
    return Embeddings.parse(parseOrNull(answer));
  }

  #taken(id: string, n: number): void {
    const signal = AbortSignal.timeout(limits.worker_request_ms);
    void this.#request("POST", `/generations/${id}/taken?n=${n}`, { signal })
      .then(textOf)
      .catch(() => undefined);
  }

  async #open({ id, ...work }: GenerationCall, signal: AbortSignal): Promise<http.IncomingMessage> {
    try {
      if (work.generation === undefined) return await this.#request("GET", `/generations/${id}?taken=0`, { signal });
      return await this.#request("POST", "/generations?taken=0", { signal, body: JSON.stringify({ id, ...work }) });
    } catch (error) {
      signal.throwIfAborted();
      throw new ConnectionLost(error);
    }
  }

  #request(
    method: string,
    path: string,
    options: { signal: AbortSignal; body?: string },
  ): Promise<http.IncomingMessage> {
    const { signal, body } = options;
    const type = body === undefined ? {} : { "content-type": "application/json" };
    const target = { host: "127.0.0.1", port: this.#port, path, method, headers: { ...this.#headers, ...type } };
    return new Promise((resolve, reject) => {
      const request = http.request({ ...target, signal, agent: this.#agent }, resolve);
      request.once("error", (error) => {
        // A kept connection may close just as it is used again. Every request here may be made twice.
        if (request.reusedSocket && !signal.aborted) this.#request(method, path, options).then(resolve, reject);
        else reject(error);
      });
      request.end(body);
    });
  }
}

/** The worker stopped answering in the middle; whoever knows its process says why. */
export class ConnectionLost extends Error {
  constructor(cause: unknown) {
    super("the connection to the worker broke", { cause });
    this.name = "ConnectionLost";
  }
}

function endOf(frame: unknown): GenerationEnd {
  const last = LastFrame.parse(frame);
  if ("error" in last) throw RbeeError.fromProblem(last.error);
  return last.end;
}

/** A worker knows its agent's token: who does not is another one, on the port of one that is gone. [WORK-9] */
function refusal(status: number | undefined, body: string): Error {
  if (status === UNAUTHORIZED) return new ConnectionLost(new Error("somebody else answers on its port"));
  const parsed = Problem.safeParse(parseOrNull(body));
  return parsed.success
    ? RbeeError.fromProblem(parsed.data)
    : new RbeeError("internal", "the worker gave a strange answer");
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

async function textOf(response: http.IncomingMessage): Promise<string> {
  let text = "";
  response.setEncoding("utf8");
  for await (const chunk of response as AsyncIterable<string>) text += chunk;
  return text;
}
