/** Breaks text between words while it is still being written: a word is shown when it is whole. */
export class WordWrap {
  readonly #width: number;
  #column = 0;
  #space = "";
  #word = "";

  constructor(width: number) {
    this.#width = width;
  }

  /** What may be shown now. */
  push(text: string): string {
    let shown = "";
    for (const character of text) {
      if (!/\s/.test(character)) {
        this.#word += character;
        continue;
      }
      shown += this.end();
      if (character === "\n") {
        this.#column = 0;
        this.#space = "";
        shown += "\n";
      } else {
        this.#space += character;
      }
    }
    return shown;
  }

  /** The last word. */
  end(): string {
    if (this.#word === "") return "";
    const fits = this.#column + this.#space.length + this.#word.length <= this.#width;
    const shown = fits || this.#column === 0 ? this.#space + this.#word : `\n${this.#word}`;
    this.#column = fits ? this.#column + shown.length : this.#word.length;
    this.#space = "";
    this.#word = "";
    return shown;
  }
}
