import { limits, type Piece, type ToolCallPart } from "@rbee/contracts";
import { randomBytes } from "node:crypto";
import { markOf, ValueScanner, type CallFormat } from "./call-format.ts";
import { readHead } from "./call-head.ts";

export interface CallRules {
  readonly format: CallFormat;
  readonly names: ReadonlySet<string>;
  /** The answer is a call: what is in front of it was part of the prompt. */
  readonly forced: boolean;
  /** Most calls. */
  readonly most: number;
}

type State = "start" | "text" | "head" | "arguments" | "tail";

/**
 * Tells tool calls from text while both are written. What could be the beginning of a call is held back; what turns out to
 * be none is text after all. No character is lost: every piece has what the model wrote.
 */
export class CallStream {
  readonly #rules: CallRules;
  /** Empty: its brace where an answer begins. */
  readonly #mark: string;
  readonly #ids: string[] = [];
  #state: State;
  #held = "";
  #value = new ValueScanner();
  /** Of the call that is being written. */
  #open: { readonly name: string; begun: boolean } | undefined;
  /** What still closes the call that was written last. */
  #closing = "";
  #ended = 0;
  #written = "";

  constructor(rules: CallRules) {
    this.#rules = rules;
    this.#mark = markOf(rules.format);
    this.#state = rules.forced ? "head" : "start";
  }

  /** Calls that were begun. */
  get calls(): number {
    return this.#ids.length;
  }

  /** The first call is not written yet: nothing else may come. */
  get constrained(): boolean {
    return this.#rules.forced && this.#ended === 0;
  }

  /** A call that had to come was written: what follows is the model's own. */
  get satisfied(): boolean {
    return this.#rules.forced && this.#ended > 0;
  }

  /** The tool whose arguments are being written, and what of them was written already. */
  get opened(): { readonly name: string; readonly written: string } | undefined {
    const open = this.#open;
    return open === undefined ? undefined : { name: open.name, written: this.#written };
  }

  /** All calls that are wanted were written, or what follows them is none. */
  over = false;

  push(text: string): Piece[] {
    this.#held += text;
    const pieces: Piece[] = [];
    while (!this.over && this.#step(pieces)) continue;
    return pieces;
  }

  /** The answer ended: what was held back was no call. */
  end(): Piece[] {
    const rest = this.#take(this.#held.length);
    if (rest === "" || this.over) return [];
    return [this.calls > 0 ? this.#part(rest, {}) : rest];
  }

  /** @returns whether there may be more to find in what is held */
  #step(pieces: Piece[]): boolean {
    switch (this.#state) {
      case "start":
      case "text":
        return this.#findMark(pieces);
      case "head":
        return this.#readHead(pieces);
      case "arguments":
        return this.#readArguments(pieces);
      case "tail":
        return this.#readTail(pieces);
    }
  }

  #findMark(pieces: Piece[]): boolean {
    const held = this.#held;
    const first = held.trimStart();
    // Space in front of a call is no answer; and without a mark only an answer's very beginning can be a call.
    if (this.#state === "start" && first === "") return false;
    if (this.#mark === "") {
      if (this.#state === "start" && first.startsWith("{")) return this.#enter("head");
      return this.#text(pieces, held.length);
    }
    const at = held.indexOf(this.#mark);
    if (at >= 0) {
      if (held.slice(0, at).trim() !== "") this.#text(pieces, at);
      const marked = this.#take(this.#held.indexOf(this.#mark) + this.#mark.length);
      pieces.push(this.#part(marked, {}, this.calls));
      return this.#enter("head");
    }
    return this.#text(pieces, held.length - overlap(held, this.#mark));
  }

  #readHead(pieces: Piece[]): boolean {
    const { format, names } = this.#rules;
    const head = readHead(this.#held, format);
    if (head.kind === "partial") return false;
    if (head.kind === "no" || !names.has(head.name)) {
      this.#state = "text";
      return this.#text(pieces, this.#held.length);
    }
    const id = `call_${randomBytes(12).toString("hex")}`;
    this.#ids.push(id);
    const written = head.kind === "bare" ? "{}" : "";
    pieces.push(this.#part(this.#take(head.rest), { id, name: head.name, arguments: written }));
    if (head.kind === "bare") return this.#callEnded("");
    this.#value = new ValueScanner();
    this.#open = { name: head.name, begun: false };
    this.#written = "";
    return this.#enter("arguments");
  }

  #readArguments(pieces: Piece[]): boolean {
    const open = this.#open;
    if (open !== undefined && !open.begun) {
      const space = this.#take(this.#held.length - this.#held.trimStart().length);
      if (space !== "") pieces.push(this.#part(space, {}));
      this.#written += space;
      if (this.#held === "") return false;
      open.begun = true;
    }
    let length = 0;
    let ended = false;
    for (const char of this.#held) {
      const where = this.#value.take(char);
      if (where !== "beyond") length += char.length;
      ended = where !== "inside";
      if (ended) break;
    }
    const text = this.#take(length);
    if (text !== "") pieces.push(this.#part(text, { arguments: text }));
    this.#written += text;
    if (!ended) return false;
    this.#open = undefined;
    return this.#callEnded("}");
  }

  #callEnded(brace: string): boolean {
    this.#ended += 1;
    this.#closing = (brace + this.#rules.format.after).replaceAll(/\s/g, "");
    if (this.#ended >= Math.min(this.#rules.most, limits.tool_calls_max)) this.over = true;
    return this.#enter("tail");
  }

  /** Between calls there is only what closes one and opens the next. */
  #readTail(pieces: Piece[]): boolean {
    let length = 0;
    for (const char of this.#held) {
      if (this.#closing.startsWith(char)) this.#closing = this.#closing.slice(char.length);
      else if (!/[\s,;]/.test(char)) break;
      length += char.length;
    }
    if (length > 0) pieces.push(this.#part(this.#take(length), {}));
    if (this.#held === "") return false;
    return this.#enter(this.#rules.forced ? this.#another() : "start");
  }

  /** Behind a call that was asked for only another call is wanted. */
  #another(): State {
    const next = this.#mark === "" ? "{" : this.#mark;
    if (!next.startsWith(this.#held.slice(0, next.length)) && !this.#held.startsWith(next)) this.over = true;
    return "start";
  }

  #text(pieces: Piece[], length: number): boolean {
    if (length > 0) {
      pieces.push(this.#take(length));
      this.#state = "text";
    }
    return false;
  }

  #part(text: string, part: Omit<ToolCallPart, "index">, index = Math.max(0, this.calls - 1)): Piece {
    return { text, tool_call: { index, ...part } };
  }

  #enter(state: State): boolean {
    this.#state = state;
    return this.#held !== "";
  }

  #take(length: number): string {
    const text = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    return text;
  }
}

/** How much of the end of a text could be the beginning of `mark`. */
function overlap(text: string, mark: string): number {
  for (let length = Math.min(mark.length - 1, text.length); length > 0; length -= 1) {
    if (mark.startsWith(text.slice(text.length - length))) return length;
  }
  return 0;
}
