import { limits, RbeeError } from "@rbee/contracts";
import { Agent, request, type Dispatcher } from "undici";
import { guardedAgent, type FetchPolicy } from "./guarded-agent.ts";

export interface WebOptions extends FetchPolicy {
  /** Shown to the endpoint, and to nobody else. */
  readonly token?: string | undefined;
  readonly idle_ms?: number;
}

export interface WebRequest {
  readonly method?: "GET" | "HEAD";
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** HEAD on the hub tells in the redirect itself what there is to know. */
  readonly follow?: boolean;
}

export interface WebResponse {
  readonly url: URL;
  readonly status: number;
  readonly body: Dispatcher.ResponseData["body"];
  readonly header: (name: string) => string | undefined;
}

/** Fetches from the hub and from the web, by the hive's policy. */
export class Web {
  readonly #options: WebOptions;
  readonly #agent: Agent;

  constructor(options: WebOptions) {
    this.#options = options;
    const idle_ms = options.idle_ms ?? limits.download_idle_ms;
    this.#agent = guardedAgent(options, { connect_ms: limits.hub_answer_ms, idle_ms });
  }

  get endpoint(): URL {
    return this.#options.endpoint;
  }

  /**
   * Follows redirects itself, since each may lead where this hive does not go. The hub's token goes to the endpoint as
   * long as nothing else was asked in between. [MODEL-4] [MODEL-5]
   * @throws RbeeError address_refused, download_failed; errors of the network as they are
   */
  async fetch(address: URL, asked: WebRequest): Promise<WebResponse> {
    let url = address;
    let trusted = true;
    for (let hops = 0; hops <= limits.download_redirects_max; hops += 1) {
      this.#check(url);
      trusted &&= url.origin === this.endpoint.origin;
      const token = trusted ? this.#options.token : undefined;
      const response = await request(url, {
        method: asked.method ?? "GET",
        headers: {
          "user-agent": "rbee-hive",
          // Bytes are counted and compared: nothing may repack them on the way.
          "accept-encoding": "identity",
          ...asked.headers,
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        signal: asked.signal,
        dispatcher: this.#agent,
      }).catch((error: unknown) => {
        throw causeOf(error);
      });
      const { statusCode: status, headers, body } = response;
      // Who stops reading must hear no complaint about it.
      body.on("error", () => undefined);
      const header = (name: string): string | undefined => [headers[name]].flat()[0];
      const location = header("location");
      const redirected = status >= 300 && status < 400 && location !== undefined;
      if (!redirected || asked.follow === false) return { url, status, body, header };
      body.destroy();
      url = nextUrl(location, url);
    }
    throw new RbeeError(
      "download_failed",
      `${address.origin} redirects more than ${limits.download_redirects_max} times`,
    );
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  #check(url: URL): void {
    const ours = url.origin === this.endpoint.origin || this.#options.allowPrivate;
    if (url.protocol === "https:" || (url.protocol === "http:" && ours)) return;
    throw new RbeeError("address_refused", `${url.protocol}//${url.host} is not an https address`);
  }
}

function nextUrl(location: string, from: URL): URL {
  const url = URL.parse(location, from.href);
  if (url === null) throw new RbeeError("download_failed", `${from.origin} redirects to what is no address`);
  return url;
}

/** A refusal from within the connection comes wrapped. */
function causeOf(error: unknown): unknown {
  for (let inner = error, depth = 0; inner instanceof Error && depth < 5; inner = inner.cause, depth += 1) {
    if (inner instanceof RbeeError) return inner;
  }
  return error;
}

/** Reads a JSON answer of bounded size. @throws RbeeError download_failed */
export async function readJson({ body, url }: WebResponse): Promise<unknown> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of body as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > limits.hub_answer_bytes_max)
      throw new RbeeError("download_failed", `the answer of ${url.origin} is too large`);
    pieces.push(piece);
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString());
  } catch (cause) {
    throw new RbeeError("download_failed", `${url.origin} does not answer with JSON: is it a hub?`, { cause });
  }
}
