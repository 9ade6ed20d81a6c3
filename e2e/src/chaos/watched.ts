import type { JobEvent, JobView } from "@rbee/contracts";
import { judge } from "./checker.ts";
import type { Excuse, Seen } from "./ledger.ts";
import { Reader } from "./reader.ts";
import { promptOf, textOf } from "./text.ts";
import { inTime, SYNTHETIC, type World } from "./world.ts";

export interface Ask {
  readonly tokens: number;
  /** Milliseconds from token to token. */
  readonly every: number;
  readonly hive?: string;
  /** Whether another hive may go on when this one is lost. */
  readonly on_lost?: "continue" | "fail";
  /** How long a reader waits for its end. */
  readonly over_ms?: number;
}

/** Longer than any job here takes with all its waits; the limit of a test is for what is slow to start beside it. */
const OVER_WITHIN_MS = 120_000;

let seeds = 0;

/** One inference of the synthetic engine that a test follows with a reader of its own. */
export class Watched {
  readonly job_id: string;
  readonly expected: string;
  readonly reader: Reader;
  /** Resolves when the reader has seen `[DONE]`; fails when it does not. */
  readonly over: Promise<void>;
  readonly #world: World;
  readonly #over_ms: number;
  #tokens = 0;
  #waiting: { from: number; resolve: () => void }[] = [];

  static async start(world: World, { tokens, every, ...rest }: Ask): Promise<Watched> {
    const seed = ++seeds;
    const { hive: hive_id, on_lost = "fail", over_ms = OVER_WITHIN_MS } = rest;
    const prompt = promptOf(seed, every);
    const input = { model: SYNTHETIC, prompt, max_tokens: tokens, temperature: 0, on_lost } as const;
    const { job_id } = await world.house
      .client()
      .submit("infer", hive_id === undefined ? input : { ...input, hive_id });
    return new Watched(world, job_id, { expected: textOf(seed, tokens), over_ms });
  }

  private constructor(world: World, job_id: string, { expected, over_ms }: { expected: string; over_ms: number }) {
    this.#world = world;
    this.#over_ms = over_ms;
    this.job_id = job_id;
    this.expected = expected;
    this.reader = this.#newReader("0", (seen) => this.#heard(seen));
    this.over = this.#readWhole(this.reader);
    // A test that has failed waits for it no more.
    this.over.catch(() => undefined);
  }

  /** Resolves when so many more tokens have come; fails when the job is over before, or they do not come. */
  async more(tokens: number): Promise<void> {
    const came = new Promise<true>((resolve) =>
      this.#waiting.push({ from: this.#tokens + tokens, resolve: () => resolve(true) }),
    );
    const ended = this.over.then(() => false);
    const what = `${this.job_id} after ${this.#tokens} tokens: ${tokens} more`;
    if (!(await inTime(Promise.race([came, ended]), `${what} did not come`)))
      throw new Error(`${what} did not come before its end: ${this.reader.seen.at(-1)?.data}`);
  }

  events(): JobEvent[] {
    return this.reader.seen.map(({ data }) => JSON.parse(data) as JobEvent);
  }

  async view(): Promise<JobView> {
    return this.#world.house.client().get(this.job_id);
  }

  /** The log as it is now, if the job is over. */
  async log(): Promise<readonly Seen[]> {
    const reader = this.#newReader("checker", () => undefined);
    await this.#readWhole(reader);
    return reader.seen;
  }

  /** Waits for the end, and gives what is wrong with the whole of it; nothing, if all is well. */
  async judged(excuses: readonly Excuse[] = []): Promise<string[]> {
    await this.over;
    const { state, error } = await this.view();
    const [log, { job_id, expected, reader }] = [await this.log(), this];
    const record = { job_id, operation: "infer", expected, cancelled: false, readers: [reader], log, state };
    return judge({ ...record, excuses: new Set(excuses), error_code: error?.code });
  }

  #newReader(name: string, onEvent: (seen: Seen) => void): Reader {
    const url = () => `${this.#world.house.url}/v1/jobs/${this.job_id}/stream?format=json`;
    const signal = AbortSignal.timeout(this.#over_ms);
    return new Reader({ name, url, key: () => this.#world.house.key, signal, onEvent });
  }

  async #readWhole(reader: Reader): Promise<void> {
    await reader.read();
    if (!reader.whole)
      throw new Error(`${this.job_id} was not over within ${this.#over_ms} ms, but at ${reader.seen.at(-1)?.data}`);
  }

  #heard({ data }: Seen): void {
    if ((JSON.parse(data) as JobEvent).type === "token") this.#tokens += 1;
    const [due, rest] = [
      this.#waiting.filter(({ from }) => this.#tokens >= from),
      this.#waiting.filter(({ from }) => this.#tokens < from),
    ];
    this.#waiting = rest;
    for (const { resolve } of due) resolve();
  }
}
