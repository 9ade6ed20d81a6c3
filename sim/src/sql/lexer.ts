/** One word, number, string or sign of an SQL text. `kind` keeps `'job'` apart from a column called job. */
export interface Token {
  readonly kind: "word" | "number" | "string" | "sign" | "end";
  readonly text: string;
}

const END: Token = { kind: "end", text: "" };
const PATTERN = /\s+|([A-Za-z_][A-Za-z0-9_]*)|(\d+)|'([^']*)'|(\?\d*|<=|>=|<>|!=|[(),.*+\-=<>])/gy;

/** The engine compares names by reference if they are ones that it keeps as properties' keys. */
const interned = (word: string): string => Object.keys({ [word]: true })[0] ?? word;

/** Reads an SQL text token by token. Whatever it does not expect is an error that names the text. */
export class Lexer {
  readonly #sql: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  /** `?` without a number are counted. */
  #bindings = 0;

  constructor(sql: string) {
    this.#sql = sql;
    PATTERN.lastIndex = 0;
    for (let end = 0; end < sql.length; end = PATTERN.lastIndex) {
      const match = PATTERN.exec(sql);
      if (match === null) throw new Error(`not understood at ${end}: ${sql}`);
      const [, word, number, string, sign] = match;
      if (word !== undefined) this.#tokens.push({ kind: "word", text: interned(word) });
      else if (number !== undefined) this.#tokens.push({ kind: "number", text: number });
      else if (string !== undefined) this.#tokens.push({ kind: "string", text: string });
      else if (sign !== undefined) this.#tokens.push({ kind: "sign", text: sign });
    }
  }

  get here(): Token {
    return this.#tokens[this.#at] ?? END;
  }

  take(): Token {
    const token = this.here;
    this.#at++;
    return token;
  }

  /** Whether these words or signs come next; if so they are taken. */
  accept(...texts: string[]): boolean {
    const all = texts.every((text, i) => {
      const token = this.#tokens[this.#at + i] ?? END;
      return token.kind !== "string" && token.text.toUpperCase() === text;
    });
    if (all) this.#at += texts.length;
    return all;
  }

  expect(...texts: string[]): void {
    if (!this.accept(...texts)) this.fail(texts.join(" "));
  }

  name(): string {
    const token = this.take();
    if (token.kind !== "word") this.fail("a name");
    return token.text;
  }

  /** `(a, b, c)` */
  names(): string[] {
    this.expect("(");
    const names = [this.name()];
    while (this.accept(",")) names.push(this.name());
    this.expect(")");
    return names;
  }

  /** Index of the next binding: `?2` names its own. */
  binding(sign: string): number {
    return sign === "?" ? this.#bindings++ : Number(sign.slice(1)) - 1;
  }

  mark(): number {
    return this.#at;
  }

  /** What was read since the mark. */
  since(mark: number): string {
    return this.#tokens
      .slice(mark, this.#at)
      .map(({ text }) => text)
      .join(" ");
  }

  end(): void {
    if (this.here.kind !== "end") this.fail("the end");
  }

  fail(wanted: string): never {
    throw new Error(`expected ${wanted} at ${JSON.stringify(this.here.text)} in: ${this.#sql}`);
  }
}
