import type { Platform } from "./platform.ts";
import type { ServerSocket } from "./socket.ts";
import { Storage } from "./storage.ts";

/** What a Durable Object's class looks like from the platform. */
export interface Instance {
  fetch(request: unknown): Promise<unknown>;
  webSocketMessage?(ws: ServerSocket, text: string): unknown;
  webSocketClose?(ws: ServerSocket, code: number, reason: string, clean: boolean): unknown;
  alarm?(): Promise<void>;
}

export type Create = (ctx: unknown, env: unknown) => Instance;

/** One call from an object, or from a Worker (`caller` undefined), to another. */
export interface Call {
  readonly caller: Actor | undefined;
  /** The caller's life in which it was made: a later one never hears the answer. */
  readonly life: number;
  readonly method: string;
  readonly args: readonly unknown[];
  /** How much later than others its answer comes. */
  readonly late_ms: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

const ALARM_RETRIES_MAX = 6;
const ALARM_RETRY_MS = 2_000;

/**
 * One Durable Object: storage that lasts, a memory that may go at any point, and the output gate between them: nothing
 * that a turn says leaves before everything written until then is confirmed.
 */
export class Actor {
  readonly name: string;
  readonly storage = new Storage();
  life = 1;
  sockets: ServerSocket[] = [];
  readonly #platform: Platform;
  readonly #create: Create;
  readonly #calls = new Set<Call>();
  /** Calls of its own that are not answered. */
  waiting = 0;
  #instance: Instance | undefined;
  #gated: (() => void)[] = [];
  #confirming = false;
  #aborted = false;
  #alarmTries = 0;
  #alarmRunning = false;

  constructor(platform: Platform, name: string, create: Create) {
    this.#platform = platform;
    this.name = name;
    this.#create = create;
  }

  get isAwake(): boolean {
    return this.#instance !== undefined;
  }

  /** Lets something out, now or when what was written is confirmed. */
  out(send: () => void): void {
    if (this.#aborted) return;
    if (this.storage.dirty) this.#gated.push(send);
    else send();
  }

  take(call: Call): void {
    this.#calls.add(call);
    this.#run(call.method, (instance) =>
      (instance as unknown as Record<string, (...args: readonly unknown[]) => Promise<unknown>>)[call.method]?.(
        ...call.args,
      ),
    ).then(
      (value) => this.#answer(call, () => call.resolve(value)),
      (error: unknown) => this.#answer(call, () => call.reject(error as Error)),
    );
  }

  message(ws: ServerSocket, text: string): void {
    void this.#run("webSocketMessage", (instance) => instance.webSocketMessage?.(ws, text)).catch(this.#failed);
  }

  socketClosed(ws: ServerSocket, code: number): void {
    if (!this.sockets.includes(ws)) return;
    void this.#run("webSocketClose", (instance) => instance.webSocketClose?.(ws, code, "", code !== 1006))
      .catch(this.#failed)
      .finally(() => (this.sockets = this.sockets.filter((other) => other !== ws)));
  }

  /** At least once: an alarm whose handler failed or was cut off comes again, a bounded number of times. */
  alarm(): void {
    this.#alarmRunning = true;
    this.storage.clearAlarm();
    this.#run("alarm", (instance) => instance.alarm?.()).then(
      () => {
        this.#alarmRunning = false;
        this.#alarmTries = 0;
      },
      (error: unknown) => {
        this.#failed(error);
        this.#alarmAgain();
      },
    );
  }

  endTurn(): void {
    if (this.#aborted) return this.reset("aborted");
    if (!this.storage.dirty || this.#confirming) return;
    const fault = this.#platform.faults.commit();
    if (fault === undefined) return this.#confirm();
    this.#platform.trace(() => `fault: ${fault.kind} of ${this.name}`);
    if (fault.kind === "commit_lost") return this.reset("a commit was lost");
    this.#confirming = true;
    const { life } = this;
    this.#platform.schedule.after(fault.ms, () => {
      if (this.life === life) this.#confirm();
    });
  }

  /** Everything in memory is gone, what was not confirmed never was, and every socket breaks. */
  reset(why: string): void {
    this.#platform.trace(() => `${this.name} reset: ${why}`);
    this.storage.rollBack();
    this.#forget();
    for (const ws of this.sockets) {
      ws.closed();
      ws.pipe?.loseServer();
    }
    this.sockets = [];
    for (const call of this.#calls) this.#platform.reply(call, () => call.reject(new Error("the object was reset")));
    this.#calls.clear();
    if (this.#alarmRunning) this.#alarmAgain();
    // That an alarm rang is not written either.
    else this.#platform.alarms.arm(this);
  }

  /** Memory goes, sockets stay; only of an object that has nothing to do. @returns whether it did */
  hibernate(): boolean {
    if (this.#calls.size > 0 || this.waiting > 0 || this.storage.dirty || this.#alarmRunning) return false;
    this.#platform.trace(() => `${this.name} hibernates`);
    this.#forget();
    return true;
  }

  abort(why: string): never {
    this.#aborted = true;
    throw new Error(why);
  }

  #forget(): void {
    this.#instance = undefined;
    this.life++;
    this.#gated = [];
    this.#confirming = this.#aborted = false;
    this.waiting = 0;
  }

  #run(what: string, work: (instance: Instance) => unknown): Promise<unknown> {
    this.#platform.schedule.enter(this);
    this.#platform.observer.turn(this, what);
    try {
      this.#instance ??= this.#create(this.#platform.contextOf(this), this.#platform.envOf(this));
      return Promise.resolve(work(this.#instance));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #answer(call: Call, settle: () => void): void {
    if (!this.#calls.has(call)) return;
    // Until the answer is out, a reset is the answer.
    this.out(() => {
      this.#calls.delete(call);
      this.#platform.reply(call, settle);
    });
  }

  #confirm(): void {
    this.#confirming = false;
    this.storage.confirm();
    this.#platform.alarms.arm(this);
    this.#platform.observer.confirmed(this);
    for (const send of this.#gated.splice(0)) send();
  }

  #alarmAgain(): void {
    this.#alarmRunning = false;
    if (++this.#alarmTries > ALARM_RETRIES_MAX) return;
    const at = this.#platform.queenTime() + ALARM_RETRY_MS * 2 ** (this.#alarmTries - 1);
    const { alarm } = this.storage;
    // It set another one meanwhile, which comes first.
    const other = alarm !== null && alarm > this.#platform.queenTime() && alarm < at;
    if (!other) this.storage.alarm = at;
    this.#platform.alarms.arm(this);
  }

  #failed = (error: unknown): void => {
    if (!this.#aborted) this.#platform.observer.failed(this, error);
  };
}
