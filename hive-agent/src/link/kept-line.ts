import { limits } from "@rbee/contracts";
import type { Cancel, Clock } from "../clock.ts";
import { Backoff } from "./backoff.ts";
import type { Closed, Dial, Line, LineRequest } from "./line.ts";

/** What to do about a line that is gone: dial when the backoff says so, dial now, or never again. */
export type Verdict = "again" | "now" | "never";

export interface KeptLineOptions {
  readonly dial: Dial;
  readonly clock: Clock;
  /** First and largest window of the backoff. */
  readonly reconnect_ms: readonly [min: number, max: number];
  /** Made anew for every dial: signatures are good for one. */
  request(): LineRequest;
  opened(): void;
  message(text: string): void;
  /** Said of every line that is gone unless `close` asked for it. */
  lost(closed: Closed): Verdict;
}

/**
 * Keeps one line to the queen up. One place, `#reconcile`, compares what should be with what is and dials.
 *
 * Over plain `ws` and not partysocket, which cannot tell an HTTP status from a broken line (401, 410 and 426 decide
 * things here), sends no pings, cannot terminate a half-open socket, and waits through a timer even for the first dial.
 */
export class KeptLine {
  readonly #options: KeptLineOptions;
  readonly #backoff: Backoff;
  #wanted = false;
  #line: Line | undefined;
  #waiting: Cancel | undefined;
  #settling: Cancel | undefined;
  /** When the queen accepted the line. */
  #settledAt: number | undefined;

  constructor(options: KeptLineOptions) {
    this.#options = options;
    this.#backoff = new Backoff(...options.reconnect_ms);
  }

  start(): void {
    if (!this.#wanted) this.#backoff.reset();
    this.#wanted = true;
    this.#reconcile();
  }

  /** Ends it for good. No event follows. */
  close(why: { code: number; reason: string }): void {
    this.#wanted = false;
    const line = this.#forgetLine();
    this.#reconcile();
    line?.close(why);
  }

  /** The line is of no use: drop it and dial anew. */
  drop(reason: string): void {
    const line = this.#line;
    if (line === undefined) return;
    this.#gone(line, { code: 1006, reason });
    line.terminate();
  }

  /** The queen is known to be there: do not wait out the backoff. */
  nudge(): void {
    if (this.#waiting === undefined) return;
    this.#waiting();
    this.#waiting = undefined;
    this.#dial();
  }

  /** The queen has accepted the line: it is what it should be. */
  settled(): void {
    this.#settling?.();
    this.#settledAt ??= this.#options.clock.now();
  }

  send(text: string): void {
    this.#line?.send(text);
  }

  #reconcile(): void {
    if (!this.#wanted) {
      this.#waiting?.();
      this.#waiting = undefined;
      return;
    }
    if (this.#line !== undefined || this.#waiting !== undefined) return;
    const { clock } = this.#options;
    const wait = this.#backoff.next(clock.now(), clock.random());
    if (wait === 0) return this.#dial();
    this.#waiting = clock.after(wait, () => {
      this.#waiting = undefined;
      this.#dial();
    });
  }

  #dial(): void {
    const options = this.#options;
    // Events of an older line come to nothing: it is not `#line` any more.
    const line: Line = options.dial(options.request(), {
      opened: () => line === this.#line && options.opened(),
      message: (text) => line === this.#line && options.message(text),
      closed: (closed) => this.#gone(line, closed),
    });
    this.#line = line;
    this.#settling = options.clock.after(limits.connect_wait_ms, () => this.drop("the queen did not answer"));
  }

  #gone(line: Line, closed: Closed): void {
    if (line !== this.#line) return;
    const { clock } = this.#options;
    if (this.#settledAt !== undefined && clock.now() - this.#settledAt >= limits.reconnect_stable_ms)
      this.#backoff.held();
    this.#forgetLine();
    const verdict = this.#options.lost(closed);
    if (verdict === "never") this.#wanted = false;
    if (verdict === "now") this.#backoff.reset();
    this.#reconcile();
  }

  #forgetLine(): Line | undefined {
    const line = this.#line;
    this.#line = undefined;
    this.#settling?.();
    this.#settledAt = undefined;
    return line;
  }
}
