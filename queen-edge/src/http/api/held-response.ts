import { limits, problemFrom, RbeeError, type Problem } from "@rbee/contracts";
import type { ApiCaller } from "./caller.ts";

const encoder = new TextEncoder();

/** How an API's answers are written. */
export interface Form {
  readonly contentType: string;
  /** What may be written at any time between two chunks and means nothing. */
  readonly keepAlive: string;
  /** An answer that did not begin. */
  readonly refuse: (problem: Problem) => Response;
  /** A failure behind what was written already. `broken`: the body must not look whole. */
  readonly fail: (problem: Problem) => { readonly text: string; readonly broken: boolean };
}

/** Where an answer is written; resolves when the client has room for more. */
export type Write = (text: string) => Promise<void>;

interface Exchange {
  readonly caller: Pick<ApiCaller, "signal" | "patience">;
  readonly headers: Readonly<Record<string, string>>;
  readonly form: Form;
}

/**
 * Answers with what `produce` writes. Headers wait for its first words, so that a quick failure has its own status; but not
 * for long: what takes time goes on behind headers and keep-alives, so that no proxy between here and the client gives up,
 * and so that a client that left is noticed. [API-2]
 */
export async function heldResponse(exchange: Exchange, produce: (write: Write) => Promise<void>): Promise<Response> {
  const { form, headers } = exchange;
  const body = new Body(exchange);
  const { patience } = exchange.caller;
  patience.begin();
  const done = produce((text) => body.write(text)).then(
    async () => body.end(),
    async (error: unknown) => body.fail(toldProblem(error)),
  );
  void patience.due.then(() => body.begin());
  await Promise.race([body.begun, done]);
  patience.over();
  if (body.refused !== undefined) return withHeaders(form.refuse(body.refused), headers);
  const { contentType } = form;
  return new Response(body.readable, {
    headers: {
      "content-type": contentType,
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
      ...headers,
    },
  });
}

function withHeaders(response: Response, headers: Readonly<Record<string, string>>): Response {
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  return response;
}

/** What is not ours is told by name in the log, and as `internal` to the client. */
export function toldProblem(error: unknown): Problem {
  if (!(error instanceof RbeeError))
    console.error(JSON.stringify({ event: "api_failed", error: error instanceof Error ? error.name : typeof error }));
  return problemFrom(error);
}

/** The body of one answer. */
class Body {
  readonly readable: ReadableStream;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #exchange: Exchange;
  readonly #begun = Promise.withResolvers<void>();
  #beat: ReturnType<typeof setInterval> | undefined;
  /** When the write that the client has not taken yet was begun. */
  #pending: number | undefined;
  #started = false;
  /** Beats since something was written. */
  #quiet = 0;
  refused: Problem | undefined;

  constructor(exchange: Exchange) {
    const { readable, writable } = new IdentityTransformStream();
    this.readable = readable;
    this.#writer = writable.getWriter();
    this.#exchange = exchange;
    exchange.caller.signal.addEventListener("abort", () => this.#over());
  }

  /** Resolves when headers have to go out. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  begin(): void {
    if (this.#started || this.refused !== undefined) return;
    this.#started = true;
    this.#beat = setInterval(() => this.#onBeat(), limits.api_keepalive_ms);
    this.#begun.resolve();
  }

  async write(text: string): Promise<void> {
    this.#exchange.caller.signal.throwIfAborted();
    this.begin();
    this.#pending ??= Date.now();
    this.#quiet = 0;
    await this.#writer.write(encoder.encode(text));
    this.#pending = undefined;
  }

  async end(): Promise<void> {
    this.begin();
    this.#over();
    await this.#writer.close().catch(() => undefined);
  }

  async fail(problem: Problem): Promise<void> {
    if (!this.#started) {
      this.refused = problem;
      return;
    }
    const { text, broken } = this.#exchange.form.fail(problem);
    try {
      await this.write(text);
      // A body that ends as it should would be taken for an answer. What broke before it was sent is not read: the text is
      // under way once something behind it is taken.
      if (broken) await this.write(this.#exchange.form.keepAlive);
    } catch {
      // The client left, or takes nothing.
    }
    this.#over();
    await (broken ? this.#cut(problem.code) : this.#writer.close()).catch(() => undefined);
  }

  /** A write is also how a client that left without a word is noticed. */
  #onBeat(): void {
    if (this.#pending === undefined) {
      this.#quiet += 1;
      // Nobody's engine runs meanwhile.
      const wanted = this.#exchange.caller.patience.waiting ? limits.api_keepalive_beats : 1;
      if (this.#quiet >= wanted) void this.write(this.#exchange.form.keepAlive).catch(() => this.#over());
      return;
    }
    if (Date.now() - this.#pending < limits.reader_stall_ms) return;
    this.#over();
    void this.#cut("the client takes nothing").catch(() => undefined);
  }

  /** To the runtime an error that says `retryable` is a broken connection; any other it reports as an uncaught exception. */
  async #cut(why: string): Promise<void> {
    await this.#writer.abort(Object.assign(new Error(why), { retryable: true }));
  }

  #over(): void {
    if (this.#beat !== undefined) clearInterval(this.#beat);
  }
}
