import type { Random } from "../random.ts";
import { encode, FrameParser, isData, type Frame } from "./codec.ts";
import { breaksLine, garbled, truncated, type FrameDice, type FrameFault, type LinkKind } from "./faults.ts";

/** Messages that can be replayed: the first, and the newest. */
const REMEMBERED = 32;
const DELAY_MS_MAX = 1_500;
/** A message that changes places with the next one does not wait for it for ever. */
const REORDER_MS = 300;
const BREAK_MS_MAX = 1_000;

export interface ConduitContext {
  readonly kind: LinkKind;
  readonly random: Random;
  readonly dice: () => FrameDice | undefined;
  /** Puts bytes on the wire. */
  write(bytes: Buffer): void;
  breakLine(): void;
  met(fault: FrameFault): void;
  /** Messages that went this way before, and may again. */
  readonly memory: Frame[];
}

/** One direction of one WebSocket: frames go through in order, unless the dice say otherwise. */
export class Conduit {
  readonly #context: ConduitContext;
  readonly #parser = new FrameParser();
  readonly #queue: { frame: Frame; at: number }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #swapped: Frame | undefined;
  #held = false;
  #over = false;
  /** Data frames that were put on the wire. */
  delivered = 0;

  constructor(context: ConduitContext) {
    this.#context = context;
  }

  feed(chunk: Buffer): void {
    for (const frame of this.#parser.feed(chunk)) {
      if (isData(frame)) this.#data(frame);
      else this.#put(frame);
    }
  }

  /** Frames that are held, or delayed. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Puts a frame of our own on the wire, behind what waits. */
  inject(frame: Frame): void {
    this.#put(frame);
  }

  /** Nothing goes on until `release`; then all of it does, in order. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    this.#flush();
  }

  end(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }

  #data(frame: Frame): void {
    const { kind, dice, memory, random } = this.#context;
    const fault = dice()?.(kind);
    if (fault !== undefined) {
      this.#context.met(fault);
      if (breaksLine(kind, fault)) setTimeout(() => this.#context.breakLine(), random.int(0, BREAK_MS_MAX)).unref();
    }
    this.#pass(frame, fault);
    memory.push(frame);
    if (memory.length > REMEMBERED) memory.splice(1, 1);
  }

  #pass(frame: Frame, fault: FrameFault | undefined): void {
    const { memory, random } = this.#context;
    switch (fault) {
      case undefined:
        return this.#put(frame);
      case "drop":
        return;
      case "duplicate":
        this.#put(frame);
        return this.#put(frame);
      case "delay":
        return this.#put(frame, random.int(1, DELAY_MS_MAX));
      case "reorder":
        return this.#swap(frame);
      case "truncate":
        return this.#put(truncated(frame));
      case "garble":
        return this.#put(garbled(frame));
      case "replay":
        if (memory.length > 0) this.#put(random.pick(memory));
        return this.#put(frame);
    }
  }

  #swap(frame: Frame): void {
    if (this.#swapped !== undefined) return this.#put(frame);
    this.#swapped = frame;
    setTimeout(() => this.#unswap(), REORDER_MS).unref();
  }

  #unswap(): void {
    const late = this.#swapped;
    this.#swapped = undefined;
    if (late !== undefined) this.#put(late);
  }

  #put(frame: Frame, delay = 0): void {
    if (this.#over) return;
    const at = Math.max(performance.now() + delay, this.#queue.at(-1)?.at ?? 0);
    this.#queue.push({ frame, at });
    this.#flush();
    if (isData(frame) && this.#swapped !== undefined && frame !== this.#swapped) this.#unswap();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    if (this.#held || this.#over) return;
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      const wait = next.at - performance.now();
      if (wait > 0) {
        this.#timer = setTimeout(() => this.#flush(), wait);
        return;
      }
      this.#queue.shift();
      if (isData(next.frame)) this.delivered += 1;
      this.#context.write(encode(next.frame));
    }
  }
}
