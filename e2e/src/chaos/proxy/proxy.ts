import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { Random } from "../random.ts";
import { frameFaults, type FrameDice, type FrameFault, type LinkKind } from "./faults.ts";
import { Link, Memory, type LinkContext, type Way } from "./link.ts";

/** Lanes whose messages are remembered for replays. */
const MEMORIES_MAX = 256;

/** The agents' way to the queen, and everything that can happen on it. */
export class ChaosProxy {
  readonly #server: Server;
  readonly #links = new Set<Link>();
  readonly #memories = new Map<string, Memory>();
  readonly #random: Random;
  readonly #waiting: { kind: LinkKind; resolve: (link: Link) => void }[] = [];
  /** What happens to messages; nothing unless set. */
  dice: FrameDice | undefined;
  readonly met = Object.fromEntries(frameFaults.map((fault) => [fault, 0])) as Record<FrameFault, number>;
  /** How long it took until an agent gave up a line that was swallowed, for each of them. */
  readonly found_ms: number[] = [];
  #broken = false;
  #holding: readonly Way[] = [];

  private constructor(server: Server, random: Random) {
    this.#server = server;
    this.#random = random;
  }

  static async to(target: number, seed = 1): Promise<ChaosProxy> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const proxy = new ChaosProxy(server, new Random(seed));
    server.on("connection", (near) => {
      if (proxy.#broken) return void near.on("error", () => undefined).resetAndDestroy();
      proxy.#join(new Link(near, connect(target, "127.0.0.1"), proxy.#context));
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Open WebSockets. */
  links(kind?: LinkKind): Link[] {
    return [...this.#links].filter((link) => link.up !== undefined && (kind === undefined || link.kind === kind));
  }

  /** The next WebSocket of that kind that is asked for. */
  async upgrade(kind: LinkKind): Promise<Link> {
    return new Promise((resolve) => this.#waiting.push({ kind, resolve }));
  }

  /** Cuts what is open; what is dialled next goes through. */
  cut(): void {
    for (const link of this.#links) link.reset();
  }

  break(): void {
    this.#broken = true;
    this.cut();
  }

  mend(): void {
    this.#broken = false;
  }

  /** What is open now leads nowhere any more, and nobody is told. */
  swallow(): void {
    const began = performance.now();
    for (const link of this.#links)
      if (link.swallow() && link.up !== undefined)
        link.near.once("close", () => this.found_ms.push(performance.now() - began));
  }

  /** Whether an agent still believes in a line that leads nowhere. */
  get swallowing(): boolean {
    return [...this.#links].some((link) => link.swallowing);
  }

  /** Nothing goes on, on these lines or on new ones, until `release`; then all of it does. */
  hold(ways: readonly Way[] = ["up", "down"]): void {
    this.#holding = ways;
    for (const link of this.links()) link.hold(ways);
  }

  release(): void {
    this.#holding = [];
    for (const link of this.links()) link.release();
  }

  close(): void {
    this.break();
    this.#server.close();
  }

  get #context(): LinkContext {
    return {
      random: this.#random.fork(),
      dice: () => this.dice,
      met: (fault) => void (this.met[fault] += 1),
      holding: () => this.#holding,
      memoryOf: (path) => this.#memoryOf(path),
      upgrading: (link) => this.#upgrading(link),
    };
  }

  #upgrading(link: Link): void {
    for (const waiter of this.#waiting.filter(({ kind }) => kind === link.kind)) {
      this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
      waiter.resolve(link);
    }
  }

  #join(link: Link): void {
    this.#links.add(link);
    link.near.once("close", () => this.#links.delete(link));
  }

  #memoryOf(path: string): Memory {
    const known = this.#memories.get(path);
    if (known !== undefined) return known;
    const [oldest] = this.#memories.keys();
    if (this.#memories.size >= MEMORIES_MAX && oldest !== undefined) this.#memories.delete(oldest);
    const memory = new Memory();
    this.#memories.set(path, memory);
    return memory;
  }
}
