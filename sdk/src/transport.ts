import { errorOf, notAHeader, notAKey, unreachable, type RbeeError } from "./error.ts";
import { bounds, delayAfter, isTransient, pause } from "./retry.ts";

export interface TransportOptions {
  /** Where the queen is: `https://rbee.example.com`, `http://127.0.0.1:7833`. */
  readonly url: string | URL;
  /** `rbk_…`; leave it out only where something else signs the request. */
  readonly key?: string | undefined;
  /** For tests, proxies and service bindings. */
  readonly fetch?: typeof fetch | undefined;
}

export interface Request {
  readonly method?: "GET" | "POST" | "DELETE";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal | undefined;
}

/** Requests to one queen, tried again while that can help. Every request must be safe to repeat. */
export class Transport {
  readonly #base: URL;
  readonly #key: string | undefined;
  readonly #fetch: typeof fetch;

  constructor({ url, key, fetch: fetcher }: TransportOptions) {
    this.#base = new URL(url);
    // A path without its slash would lose its last part when resolved against.
    if (!this.#base.pathname.endsWith("/")) this.#base.pathname += "/";
    this.#key = key;
    // Browsers refuse a fetch that is called as a method of something else.
    this.#fetch = fetcher ?? ((input, init) => fetch(input, init));
  }

  /** @throws RbeeError when refused or not reachable; the signal's reason when aborted. */
  async send(path: string, request: Request = {}): Promise<Response> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.sendOnce(path, request);
      } catch (error) {
        if (!isTransient(error) || tries === bounds.request_tries_max) throw error;
        await pause(delayAfter(tries, bounds.request_delay_ms, error), request.signal);
      }
    }
  }

  /** One try. @throws as `send` */
  async sendOnce(path: string, { signal, headers, ...rest }: Request = {}): Promise<Response> {
    signal?.throwIfAborted();
    const sent = this.#headers(headers);
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new Error("no answer in time")), bounds.answer_wait_ms);
    try {
      const response = await this.#fetch(new URL(path, this.#base), {
        ...rest,
        headers: sent,
        signal: signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]),
      });
      if (!response.ok) throw await errorOf(response);
      return response;
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      // A fetch that fails throws a TypeError with a reason that differs from platform to platform.
      throw error instanceof TypeError || late.signal.aborted
        ? unreachable(`no queen answers at ${this.#base.origin}`, error)
        : error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** What no header can hold would make fetch fail as if nobody answered. @throws RbeeError unauthorized, invalid_input */
  #headers(own: Request["headers"]): Headers {
    const headers = new Headers();
    // What fetch says of a key that it refuses repeats it.
    if (this.#key !== undefined) set(headers, { authorization: `Bearer ${this.#key}` }, notAKey);
    set(headers, own ?? {}, notAHeader);
    return headers;
  }
}

function set(headers: Headers, values: Readonly<Record<string, string>>, refusal: () => RbeeError): void {
  try {
    for (const [name, value] of Object.entries(values)) headers.set(name, value);
  } catch {
    throw refusal();
  }
}
