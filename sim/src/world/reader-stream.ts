import { confirmation, readerCloses } from "../../../queen-edge/src/reader-socket.ts";
import type { ClientEnd, Pipe } from "../platform/pipe.ts";
import type { World } from "./world.ts";

interface Options {
  /** How long the client takes for a message. */
  readonly slow_ms: number;
  readonly window: number | undefined;
  take(text: string): void;
  closed(): void;
}

/** The Worker's part of a reader: holds what the client has not taken, and confirms what it has. */
export class ReaderStream implements ClientEnd {
  readonly label: string;
  /** Within the platform, in order and whole. */
  readonly lossy = false;
  pipe: Pipe | undefined;
  readonly #world: World;
  readonly #options: Options;
  #held = 0;
  #largest = 0;

  constructor(world: World, label: string, options: Options) {
    this.#world = world;
    this.label = label;
    this.#options = options;
  }

  opened(): void {}

  message(text: string): void {
    const { slow_ms, window } = this.#options;
    this.#held += text.length;
    this.#largest = Math.max(this.#largest, text.length);
    // The last message may begin inside of the window and end beyond it.
    if (window !== undefined && this.#held > window + this.#largest)
      this.#world.fail(`${this.label}: ${this.#held} characters are held for it`);
    if (slow_ms === 0) this.#taken(text);
    else this.#world.schedule.after(slow_ms, () => this.#taken(text));
  }

  closed(): void {
    // What came before the close is taken before it.
    this.#world.schedule.after(this.#options.slow_ms, () => this.#options.closed());
  }

  leave(): void {
    this.pipe?.closeByClient(readerCloses.left.code);
  }

  #taken(text: string): void {
    this.#held -= text.length;
    this.#options.take(text);
    if (this.#options.window !== undefined) this.pipe?.up(confirmation(text.length));
  }
}
