import type { Faults } from "../faults/plan.ts";
import { Actor, type Call, type Create } from "./actor.ts";
import { Alarms } from "./alarms.ts";
import type { Pipe } from "./pipe.ts";
import type { Random } from "./random.ts";
import type { Schedule } from "./schedule.ts";
import type { ServerSocket } from "./socket.ts";
import type { StubOf } from "./stub.ts";

/** Who watches. Sees everything, changes nothing. */
export interface Observer {
  turn(actor: Actor, what: string): void;
  confirmed(actor: Actor): void;
  said(ws: ServerSocket, text: string): void;
  /** Anything from the other end, pings included. */
  heard(ws: ServerSocket): void;
  failed(actor: Actor, error: unknown): void;
}

/** What a name of the platform stands for: how its objects are made, and how others call them. */
export interface ObjectClass {
  readonly create: Create;
  readonly Stub: StubOf;
}

export type ObjectKind = "JOB" | "HIVE" | "REGISTRY";

export interface PlatformOptions {
  readonly schedule: Schedule;
  readonly random: Random;
  readonly faults: Faults;
  readonly observer: Observer;
  readonly objects: Readonly<Record<ObjectKind, ObjectClass>>;
  readonly latency_ms: number;
  readonly trace: (line: () => string) => void;
}

const SECRET = "s".repeat(43);
/** The queen's clock when a world begins. */
const EPOCH = 1_800_000_000_000;

const lost = (): Error => new Error("the call was lost");

/** The Durable Objects platform: names to objects, calls between them, the queen's clock. */
export class Platform {
  readonly schedule: Schedule;
  readonly faults: Faults;
  readonly observer: Observer;
  readonly trace: (line: () => string) => void;
  readonly alarms: Alarms;
  readonly pipes = new Set<Pipe>();
  /** Oldest first. */
  readonly actors: Actor[] = [];
  /** How far the queen's clock is off. */
  clockOffset = 0;
  #unique = 0;
  readonly #named: Readonly<Record<ObjectKind, Map<string, Actor>>> = {
    JOB: new Map(),
    HIVE: new Map(),
    REGISTRY: new Map(),
  };
  readonly #random: Random;
  readonly #objects: PlatformOptions["objects"];
  readonly #latency_ms: number;

  constructor(options: PlatformOptions) {
    this.schedule = options.schedule;
    this.faults = options.faults;
    this.observer = options.observer;
    this.trace = options.trace;
    this.#random = options.random;
    this.#objects = options.objects;
    this.#latency_ms = options.latency_ms;
    this.alarms = new Alarms(this);
  }

  queenTime(): number {
    return EPOCH + this.schedule.now + this.clockOffset;
  }

  jumpClock(ms: number): void {
    this.clockOffset += ms;
  }

  /** A number that nothing else in this world has. */
  unique(): number {
    return ++this.#unique;
  }

  latency(): number {
    return this.#random.between(0, this.#latency_ms);
  }

  actor(kind: ObjectKind, name: string): Actor {
    const known = this.#named[kind].get(name);
    if (known !== undefined) return known;
    const actor = new Actor(this, `${kind}/${name}`, this.#objects[kind].create);
    this.#named[kind].set(name, actor);
    this.actors.push(actor);
    return actor;
  }

  /** A call on its way: it, or its answer, may be late or lost. */
  call<T>(caller: Actor | undefined, target: Actor, { method, args }: Pick<Call, "method" | "args">): Promise<T> {
    const fault = this.faults.call(method);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const late_ms = fault?.kind === "answer_slow" ? fault.ms : 0;
    const call: Call = { caller, life: caller?.life ?? 0, method, args, late_ms, resolve, reject };
    if (caller !== undefined) caller.waiting++;
    if (fault !== undefined) this.trace(() => `fault: ${fault.kind} of ${method} to ${target.name}`);
    const deliver = () => {
      if (fault?.kind === "call_lost") return this.reply(call, () => reject(lost()));
      const answer = fault?.kind === "answer_lost" ? { ...call, resolve: () => reject(lost()) } : call;
      this.schedule.after(this.latency() + (fault?.kind === "call_slow" ? fault.ms : 0), () => {
        this.trace(() => `${caller?.name ?? "worker"} calls ${method} of ${target.name}`);
        target.take(answer);
      });
    };
    if (caller === undefined) deliver();
    else caller.out(deliver);
    return promise as Promise<T>;
  }

  /** The answer goes back, if the one who asked still lives. */
  reply({ caller, life, late_ms }: Call, settle: () => void): void {
    this.schedule.after(this.latency() + late_ms, () => {
      if (caller !== undefined) {
        if (caller.life !== life) return;
        caller.waiting--;
        this.schedule.enter(caller);
      }
      settle();
    });
  }

  /** The running turn waits for something outside of the object; it may not be there any more when that comes. */
  pause(run: () => void): void {
    const { turn } = this.schedule;
    const actor = turn instanceof Actor ? turn : undefined;
    const life = actor?.life;
    this.schedule.after(0, () => {
      if (actor !== undefined) {
        if (actor.life !== life) return;
        this.schedule.enter(actor);
      }
      run();
    });
  }

  /** `env` of an object: its calls are its own. */
  envOf(actor: Actor): unknown {
    const namespace = (kind: ObjectKind) => ({
      getByName: (name: string) => new this.#objects[kind].Stub(this, actor, this.actor(kind, name)),
    });
    return {
      RBEE_SECRET: SECRET,
      JOB: namespace("JOB"),
      HIVE: namespace("HIVE"),
      REGISTRY: namespace("REGISTRY"),
    };
  }

  contextOf(actor: Actor): unknown {
    return {
      storage: actor.storage.api,
      id: { name: actor.name.slice(actor.name.indexOf("/") + 1) },
      acceptWebSocket: (ws: ServerSocket, tags: string[] = []) => {
        ws.tags = tags;
        ws.actor = actor;
        actor.sockets.push(ws);
      },
      getWebSockets: (tag?: string) =>
        tag === undefined ? [...actor.sockets] : actor.sockets.filter((ws) => ws.tags.includes(tag)),
      getTags: (ws: ServerSocket) => ws.tags,
      setWebSocketAutoResponse: () => undefined,
      getWebSocketAutoResponseTimestamp: ({ pongAt }: ServerSocket) => (pongAt === undefined ? null : new Date(pongAt)),
      waitUntil: () => undefined,
      abort: (why: string) => actor.abort(why),
    };
  }
}
