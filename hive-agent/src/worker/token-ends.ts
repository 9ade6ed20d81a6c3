import type { Token } from "node-llama-cpp";

/** Recognises the token sequences that end an answer. */
export class TokenEnds {
  readonly #ends: readonly (readonly Token[])[];
  readonly #longest: number;
  #last: Token[] = [];

  constructor(ends: readonly (readonly Token[])[]) {
    this.#ends = ends;
    this.#longest = Math.max(0, ...ends.map((end) => end.length));
  }

  reached(token: Token): boolean {
    if (this.#longest === 0) return false;
    this.#last.push(token);
    if (this.#last.length > this.#longest) this.#last.shift();
    return this.#ends.some((end) => end.every((one, at) => one === this.#last.at(at - end.length)));
  }
}
