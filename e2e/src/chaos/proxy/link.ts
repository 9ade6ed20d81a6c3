import type { Socket } from "node:net";
import type { Random } from "../random.ts";
import { textFrame, type Frame } from "./codec.ts";
import { Conduit } from "./conduit.ts";
import type { FrameDice, FrameFault, LinkKind } from "./faults.ts";

/** To the queen, or to the agent. */
export type Way = "up" | "down";

const HEAD_END = "\r\n\r\n";

/** Messages that went both ways, for replays. */
export class Memory {
  readonly up: Frame[] = [];
  readonly down: Frame[] = [];
}

export interface LinkContext {
  readonly random: Random;
  readonly dice: () => FrameDice | undefined;
  met(fault: FrameFault): void;
  /** Which ways a line that begins now is held. */
  holding(): readonly Way[];
  /** What went over the earlier connections of a lane. */
  memoryOf(path: string): Memory;
  /** An upgrade request went by. */
  upgrading(link: Link): void;
}

/** One connection of an agent through the proxy: plain HTTP goes through as it is, WebSockets frame by frame. */
export class Link {
  readonly near: Socket;
  readonly far: Socket;
  readonly #context: LinkContext;
  /** The request as it was sent, once it is whole and asks for a WebSocket. */
  request: string | undefined;
  path = "";
  kind: LinkKind | undefined;
  up: Conduit | undefined;
  down: Conduit | undefined;
  /** It leads nowhere any more, and nobody was told. */
  swallowing = false;
  #memory = new Memory();
  #head: Record<Way, Buffer> = { up: Buffer.alloc(0), down: Buffer.alloc(0) };
  #raw = false;

  constructor(near: Socket, far: Socket, context: LinkContext) {
    this.near = near;
    this.far = far;
    this.#context = context;
    for (const [from, to, way] of [
      [near, far, "up"],
      [far, near, "down"],
    ] as const) {
      from.setNoDelay(true);
      from.on("error", () => undefined);
      from.on("data", (chunk: Buffer) => this.#data(way, chunk));
      from.on("close", () => {
        this.up?.end();
        this.down?.end();
        // One that swallows is a dead path: the other side must not hear of the end either.
        if (!this.swallowing) to.destroy();
      });
    }
  }

  /** A path that died without a word: both sockets stay, nothing comes through any more. @returns `false` if it had already */
  swallow(): boolean {
    const alive = !this.swallowing;
    this.swallowing = true;
    return alive;
  }

  hold(ways: readonly Way[]): void {
    for (const way of ways) this[way]?.hold();
  }

  release(): void {
    this.up?.release();
    this.down?.release();
  }

  reset(): void {
    this.near.resetAndDestroy();
    this.far.resetAndDestroy();
  }

  /** Says something to the queen in the agent's name. */
  say(text: string): void {
    this.up?.inject(textFrame(text, true));
  }

  /** What the agent last said on this line; on a lane also on those before it for the same job. */
  said(): string[] {
    return this.#memory.up.map(({ payload }) => payload.toString());
  }

  #data(way: Way, chunk: Buffer): void {
    if (this.swallowing) return;
    if (this.#raw) return void (way === "up" ? this.far : this.near).write(chunk);
    const conduit = this[way];
    if (conduit !== undefined) return conduit.feed(chunk);
    const head = Buffer.concat([this.#head[way], chunk]);
    const end = head.indexOf(HEAD_END);
    if (end < 0) {
      this.#head[way] = head;
      return;
    }
    const rest = head.subarray(end + HEAD_END.length);
    if (way === "up") this.#requested(head, head.subarray(0, end).toString("latin1"));
    else this.#answered(head.subarray(0, end + HEAD_END.length), rest);
  }

  #requested(bytes: Buffer, head: string): void {
    if (!/^upgrade: *websocket$/im.test(head)) {
      this.#raw = true;
      return void this.far.write(bytes);
    }
    this.path = head.split(" ")[1] ?? "";
    this.kind = this.path.startsWith("/v1/lanes/") ? "lane" : "control";
    this.request = `${head}${HEAD_END}`;
    this.far.write(bytes);
    this.#context.upgrading(this);
  }

  #answered(head: Buffer, rest: Buffer): void {
    this.near.write(head);
    const { kind } = this;
    if (kind === undefined || !head.toString("latin1", 0, 16).includes(" 101")) {
      this.#raw = true;
      return void this.near.write(rest);
    }
    const { random, dice } = this.#context;
    // A transport may say a message again, but never one of another connection. Lanes get no such mercy.
    if (kind === "lane") this.#memory = this.#context.memoryOf(this.path);
    const memory = this.#memory;
    const shared = {
      kind,
      random,
      dice,
      met: (fault: FrameFault) => this.#context.met(fault),
      breakLine: () => this.reset(),
    };
    this.up = new Conduit({ ...shared, memory: memory.up, write: (bytes) => void this.far.write(bytes) });
    this.down = new Conduit({ ...shared, memory: memory.down, write: (bytes) => void this.near.write(bytes) });
    this.hold(this.#context.holding());
    this.down.feed(rest);
  }
}
