/** Turns tokens into text; `before` are the tokens in front of them, which decide about leading spaces. */
export type Detokenize<Token> = (tokens: readonly Token[], before: readonly Token[]) => string;

const REPLACEMENT = "\uFFFD";
/** An incomplete character is at most three bytes, each of which a decoder may show as a replacement character. */
const INCOMPLETE = /\uFFFD{1,3}$/;
/** Tokens held back for a character that never completes; a real one needs four, so this only ends runs of garbage. */
const PENDING_MAX = 64;
/** Tokens of context a detokeniser looks back. */
const BEFORE_MAX = 4;

/** Text of a token stream in whole characters: a character that is spread over tokens comes out with its last one. */
export class CharacterStream<Token> {
  readonly #detokenize: Detokenize<Token>;
  #before: readonly Token[];
  #pending: Token[] = [];
  /** Characters of the pending tokens that were given out already. */
  #given = 0;

  constructor(detokenize: Detokenize<Token>, before: readonly Token[]) {
    this.#detokenize = detokenize;
    this.#before = before.slice(-BEFORE_MAX);
  }

  push(token: Token): string {
    this.#pending.push(token);
    const text = this.#detokenize(this.#pending, this.#before);
    if (!text.endsWith(REPLACEMENT) || this.#pending.length >= PENDING_MAX) return this.#settle(text);
    const whole = text.replace(INCOMPLETE, "");
    const fresh = whole.slice(this.#given);
    this.#given = Math.max(this.#given, whole.length);
    return fresh;
  }

  /** What is still held back: bytes that never became a character. */
  flush(): string {
    return this.#pending.length === 0 ? "" : this.#settle(this.#detokenize(this.#pending, this.#before));
  }

  #settle(text: string): string {
    const fresh = text.slice(this.#given);
    this.#before = [...this.#before, ...this.#pending].slice(-BEFORE_MAX);
    this.#pending = [];
    this.#given = 0;
    return fresh;
  }
}

/** Cuts text at the first stop string, also when it comes in pieces: what could be its beginning is held back. */
export class StopFilter {
  readonly #stops: readonly string[];
  readonly #dropTrailingSpace: boolean;
  #held = "";
  /** The stop string that came. */
  stop: string | undefined;

  constructor(stops: readonly string[], options: { dropTrailingSpace: boolean } = { dropTrailingSpace: false }) {
    // Half a character cannot be cut at: the other half would be left over.
    this.#stops = stops.filter((stop) => stop !== "" && stop.isWellFormed());
    this.#dropTrailingSpace = options.dropTrailingSpace;
  }

  get stopped(): boolean {
    return this.stop !== undefined;
  }

  /** The text that is certainly part of the answer; sets `stop` when a stop string is complete. */
  push(text: string): string {
    if (this.stopped) return "";
    const seen = this.#held + text;
    const found = this.#firstStop(seen);
    if (found !== undefined) {
      const { stop, cut } = found;
      this.stop = stop;
      this.#held = "";
      return this.#dropTrailingSpace ? seen.slice(0, cut).trimEnd() : seen.slice(0, cut);
    }
    const safe = seen.length - this.#undecided(seen);
    this.#held = seen.slice(safe);
    return seen.slice(0, safe);
  }

  /** The text ended: what was held back was no stop string. */
  flush(): string {
    const rest = this.#dropTrailingSpace ? this.#held.trimEnd() : this.#held;
    this.#held = "";
    return rest;
  }

  #firstStop(text: string): { stop: string; cut: number } | undefined {
    const found = this.#stops.map((stop) => ({ stop, cut: text.indexOf(stop) })).filter(({ cut }) => cut >= 0);
    return found.toSorted((one, other) => one.cut - other.cut)[0];
  }

  /** Length of the longest end of the text that a stop string (or trailing space) could begin with. */
  #undecided(text: string): number {
    let longest = this.#dropTrailingSpace ? text.length - text.trimEnd().length : 0;
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length -= 1) {
        if (stop.startsWith(text.slice(text.length - length))) longest = length;
      }
    }
    return longest;
  }
}
