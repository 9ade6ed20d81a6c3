import type { FrameSize } from "./frame.ts";

const ESC = "\u001B[";
/** The terminal shows a frame when it is whole (synchronised output; terminals that do not know it ignore it). */
const [BEGIN, END] = [`${ESC}?2026h`, `${ESC}?2026l`];
const [ENTER, LEAVE] = [`${ESC}?1049h${ESC}?25l`, `${ESC}?25h${ESC}?1049l`];
const CTRL_C = "\u0003";

/** The whole terminal for a while, its former content kept by the terminal itself. */
export class FullScreen {
  readonly #out = process.stdout;
  readonly #in = process.stdin;
  readonly #onKey: (keys: Buffer) => void;
  readonly #onResize: () => void;

  /** @param on `quit`: q or Ctrl-C was pressed; `resize`: draw again */
  constructor(on: { readonly quit: () => void; readonly resize: () => void }) {
    this.#onKey = (keys) => {
      if (/[qQ]/.test(keys.toString()) || keys.includes(CTRL_C)) on.quit();
    };
    this.#onResize = on.resize;
    this.#out.write(ENTER);
    this.#out.on("resize", this.#onResize);
    if (!this.#in.isTTY) return;
    this.#in.setRawMode(true).on("data", this.#onKey).resume();
  }

  get size(): FrameSize {
    return { columns: this.#out.columns, rows: this.#out.rows };
  }

  /** Overwrites what is there line by line, so that nothing flickers. */
  draw(lines: readonly string[]): void {
    this.#out.write(`${BEGIN}${ESC}H${lines.map((line) => `${line}${ESC}K`).join("\r\n")}${ESC}J${END}`);
  }

  /** The terminal as it was. */
  close(): void {
    this.#out.off("resize", this.#onResize);
    if (this.#in.isTTY) this.#in.off("data", this.#onKey).setRawMode(false).pause();
    this.#out.write(LEAVE);
  }
}
