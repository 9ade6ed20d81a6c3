import { createParser } from "eventsource-parser";
import type { ReaderView, Seen } from "./ledger.ts";

export interface ReaderOptions {
  readonly name: string;
  /** Where the stream is: `…/v1/jobs/{id}/stream?format=json`. */
  readonly url: () => string;
  readonly key: () => string;
  /** An event came that this reader had not seen. */
  readonly onEvent?: (seen: Seen) => void;
  /** Gives up when this is aborted. */
  readonly signal: AbortSignal;
}

const DONE = "[DONE]";
const RETRY_MS = 100;
const HISTORY_END = 204;

/** Reads one job's stream with nothing but `Last-Event-ID`, over as many connections as it takes, and notes what it sees. */
export class Reader implements ReaderView {
  readonly name: string;
  readonly seen: Seen[] = [];
  readonly complaints: string[] = [];
  /** Events without an id: they say something about now, and are not part of the log. */
  readonly notices: string[] = [];
  whole = false;
  connections = 0;
  readonly #options: ReaderOptions;
  #connection = new AbortController();
  #left = false;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.name = options.name;
  }

  /** Resolves when it has seen `[DONE]`, or left. */
  async read(): Promise<void> {
    const { signal } = this.#options;
    while (!this.whole && !this.#left && !signal.aborted) {
      try {
        await this.#connect();
      } catch {
        // A connection that breaks is what this is about.
      }
      if (!this.whole && !this.#left && !signal.aborted) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  /** Breaks the connection; the reader comes back by itself. */
  cut(): void {
    this.#connection.abort();
  }

  /** Goes away for good. */
  leave(): void {
    this.#left = true;
    this.cut();
  }

  async #connect(): Promise<void> {
    const { url, key, signal } = this.#options;
    this.connections += 1;
    this.#connection = new AbortController();
    const last = this.seen.at(-1)?.position;
    const response = await fetch(url(), {
      headers: { authorization: `Bearer ${key()}`, ...(last === undefined ? {} : { "last-event-id": last }) },
      signal: AbortSignal.any([signal, this.#connection.signal]),
    });
    if (response.status === HISTORY_END) return void (this.whole = true);
    if (response.status === 404) this.#complain("the queen does not know the job");
    if (!response.ok || response.body === null) throw new Error(`${response.status}`);
    const decoder = new TextDecoder();
    const parser = createParser({ onEvent: ({ id, data }) => this.#take(id, data) });
    for await (const chunk of response.body) parser.feed(decoder.decode(chunk, { stream: true }));
  }

  #take(id: string | undefined, data: string): void {
    if (this.whole) return this.#complain("something came after [DONE]");
    if (data === DONE) return void (this.whole = true);
    if (id === undefined) return void this.notices.push(data);
    const last = this.seen.at(-1)?.position;
    if (last !== undefined && !isAfter(id, last)) return this.#complain(`${id} came after ${last}`);
    const seen = { position: id, data };
    this.seen.push(seen);
    this.#options.onEvent?.(seen);
  }

  #complain(what: string): void {
    if (!this.complaints.includes(what)) this.complaints.push(what);
  }
}

export function isAfter(a: string, b: string): boolean {
  const [[termA = 0, seqA = 0], [termB = 0, seqB = 0]] = [numbersOf(a), numbersOf(b)];
  return termA > termB || (termA === termB && seqA > seqB);
}

export const numbersOf = (position: string): number[] => position.split(".").map(Number);
