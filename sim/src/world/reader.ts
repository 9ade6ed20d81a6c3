import { limits, type JobEvent } from "@rbee/contracts";
import { DONE, formatPosition, isAfter, isEndOfJob, origin, parsePosition, type Position } from "@rbee/job-core";
import { requestOf, type SimResponse } from "../platform/globals.ts";
import { Pipe } from "../platform/pipe.ts";
import type { ReaderPlan } from "../scenario/scenario.ts";
import type { Client } from "./client.ts";
import { ReaderStream } from "./reader-stream.ts";
import type { World } from "./world.ts";

export interface Seen {
  readonly position: Position;
  readonly event: JobEvent;
}

const BEYOND: Position = { term: 99, seq: 1 };
const RETRY_MS = limits.sse_retry_ms;

/** A client's stream of one job, and the Worker that writes it; comes back with its last id whenever it breaks. */
export class Reader {
  readonly label: string;
  readonly seen: Seen[] = [];
  readonly #world: World;
  readonly #client: Client;
  readonly #plan: ReaderPlan;
  readonly #drops: number[];
  #last: Position = origin;
  #messages = 0;
  #connection = 0;
  #told = false;
  #left = false;
  #hasReturned = false;

  constructor(world: World, client: Client, { plan, index }: { plan: ReaderPlan; index: number }) {
    this.#world = world;
    this.#client = client;
    this.#plan = plan;
    this.#drops = [...plan.drops];
    this.label = `reader ${client.job_id.slice(-1)}${index}`;
    if (plan.ahead === true) this.#last = BEYOND;
    if (!(client.plan.streams && index === 0)) world.schedule.at(plan.at, () => this.connect(false));
  }

  /** Told the end, gone for good, or reading something that never came to be. */
  get isDone(): boolean {
    const { submission } = this.#client;
    return this.#told || this.#left || submission === "refused" || submission === "unknown";
  }

  /** Whether it was there to the end. */
  get isComplete(): boolean {
    return this.#told;
  }

  get isAhead(): boolean {
    return this.#plan.ahead === true;
  }

  /** Whether its leaving may have cancelled the job. */
  get hasCancelled(): boolean {
    return this.#left && this.#cancels;
  }

  connect(submitting: boolean): void {
    if (this.isDone) return;
    const { platform } = this.#world;
    const connection = ++this.#connection;
    const flags = [
      isAfter(this.#last, origin) ? "&resume" : "",
      submitting ? "&submitting" : "",
      this.#cancels ? "&cancels" : "",
      this.#plan.window === undefined ? "" : `&window=${this.#plan.window}`,
    ];
    const url = `https://job/reader?key_id=owner&format=json&after=${formatPosition(this.#last)}${flags.join("")}`;
    platform.call<SimResponse>(undefined, this.#client.actor, { method: "fetch", args: [requestOf(url)] }).then(
      ({ status, webSocket }) => {
        if (status === 204) return this.#done();
        if (webSocket === null) {
          if (status === 404 && this.#client.isForgotten) this.#left = true;
          return this.#again();
        }
        const stream = new ReaderStream(this.#world, this.label, {
          slow_ms: this.#plan.slow_ms,
          window: this.#plan.window,
          take: (text) => connection === this.#connection && this.#take(text, stream),
          closed: () => connection === this.#connection && this.#again(),
        });
        stream.pipe = new Pipe(platform, stream, webSocket.server);
      },
      () => this.#again(),
    );
  }

  get #cancels(): boolean {
    return this.#client.plan.cancels_on_leave && this.#client.plan.streams && this.#client.readers[0] === this;
  }

  #take(text: string, stream: ReaderStream): void {
    if (this.isDone) return;
    for (const block of text.split("\n\n")) if (block !== "") this.#block(block);
    this.#messages++;
    if (this.isDone) return;
    if (this.#plan.leaves_after !== undefined && this.#messages > this.#plan.leaves_after) {
      this.#left = true;
      return stream.leave();
    }
    if (this.#drops[0] !== undefined && this.#messages > this.#drops[0]) {
      this.#drops.shift();
      this.#messages = 0;
      stream.leave();
      this.#again();
    }
  }

  #block(block: string): void {
    if (`${block}\n\n` === DONE) return this.#done();
    const match = /^id: (\S+)\ndata: (.*)$/.exec(block);
    if (match === null) return this.#world.watch.notice(this, block);
    const seen: Seen = {
      position: parsePosition(match[1] as string),
      event: JSON.parse(match[2] as string) as JobEvent,
    };
    if (this.#told) this.#world.fail(`${this.label} got ${match[1]} behind the end`);
    if (!isAfter(seen.position, this.#last))
      this.#world.fail(`${this.label} got ${match[1]} behind ${formatPosition(this.#last)}`);
    this.#last = seen.position;
    this.seen.push(seen);
  }

  #done(): void {
    this.#told = true;
    const end = this.seen.at(-1);
    if (!this.isAhead && (end === undefined || !isEndOfJob(end.event)))
      this.#world.fail(`${this.label} was told the end without seeing one`);
    if (!this.#hasReturned) this.#return();
    this.#hasReturned = true;
  }

  /** Who has read everything and comes again: a browser is told not to, anyone else that there is no more. */
  #return(): void {
    const { platform } = this.#world;
    const resumes = this.#plan.at % 2 < 1;
    const url = `https://job/reader?key_id=owner&format=json&after=${formatPosition(this.#last)}${resumes ? "&resume" : ""}`;
    platform.call<SimResponse>(undefined, this.#client.actor, { method: "fetch", args: [requestOf(url)] }).then(
      ({ status, webSocket }) => {
        if (status === 404) return;
        if (resumes !== (status === 204)) this.#world.fail(`${this.label} came again and was answered ${status}`);
        if (webSocket === null) return;
        let rest = "";
        const stream = new ReaderStream(this.#world, this.label, {
          slow_ms: 0,
          window: undefined,
          take: (text) => (rest += text),
          // Nothing at all: the connection broke before.
          closed: () =>
            rest !== DONE &&
            (rest !== "" || this.#world.scenario.faults.length === 0) &&
            this.#world.fail(`${this.label} came again and read ${JSON.stringify(rest)}`),
        });
        stream.pipe = new Pipe(platform, stream, webSocket.server);
      },
      () => undefined,
    );
  }

  #again(): void {
    const connection = ++this.#connection;
    this.#world.schedule.after(RETRY_MS, () => {
      if (connection === this.#connection) this.connect(false);
    });
  }
}
