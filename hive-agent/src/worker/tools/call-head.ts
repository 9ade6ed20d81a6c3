import type { CallFormat } from "./call-format.ts";

/** What the beginning of a call says so far. `open`: its arguments begin at `rest`; `bare`: it has none and is over. */
export type Head =
  | { readonly kind: "partial" }
  | { readonly kind: "no" }
  | { readonly kind: "open"; readonly name: string; readonly rest: number }
  | { readonly kind: "bare"; readonly name: string; readonly rest: number };

/** Reads `{"name": "…", "arguments": ` in text that may end anywhere. */
export function readHead(text: string, { nameKey, argumentsKey }: CallFormat): Head {
  const reader = new Reader(text);
  try {
    reader.expect("{");
    reader.expect(JSON.stringify(nameKey));
    reader.expect(":");
    const name = reader.string();
    if (reader.next() === "}") return { kind: "bare", name, rest: reader.at + 1 };
    reader.expect(",");
    reader.expect(JSON.stringify(argumentsKey));
    reader.expect(":");
    return { kind: "open", name, rest: reader.at };
  } catch (stop) {
    return { kind: stop === PARTIAL ? "partial" : "no" };
  }
}

const PARTIAL = new Error("there is more to come");
const NO = new Error("this is no call");

class Reader {
  readonly #text: string;
  at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The next character that is no white space; it is not taken. */
  next(): string {
    while (/\s/.test(this.#text[this.at] ?? "")) this.at += 1;
    const char = this.#text[this.at];
    if (char === undefined) throw PARTIAL;
    return char;
  }

  expect(what: string): void {
    this.next();
    const there = this.#text.slice(this.at, this.at + what.length);
    if (!what.startsWith(there)) throw NO;
    if (there.length < what.length) throw PARTIAL;
    this.at += what.length;
  }

  string(): string {
    if (this.next() !== '"') throw NO;
    const found = /^"(?:[^"\\]|\\.)*"/.exec(this.#text.slice(this.at))?.[0];
    if (found === undefined) throw PARTIAL;
    this.at += found.length;
    return JSON.parse(found) as string;
  }
}
