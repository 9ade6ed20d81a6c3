import { appendFileSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** One log file and one before it: a machine that stays up for years does not fill its disk. */
const bytes_max = 4_194_304;
const TAIL_LINES = 8;

/** What a child writes on stderr: kept in a file, and its last lines in memory for when it dies. */
export class LogFile {
  readonly path: string;
  #size = 0;
  #tail: string[] = [];

  constructor(path: string) {
    this.path = path;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, "", { mode: 0o600 });
  }

  write(text: string): void {
    if (this.#size > bytes_max) {
      renameSync(this.path, `${this.path}.1`);
      this.#size = 0;
    }
    appendFileSync(this.path, text, { mode: 0o600 });
    this.#size += text.length;
    this.#tail = [...this.#tail, ...text.split("\n").filter((line) => line.trim() !== "")].slice(-TAIL_LINES);
  }

  /** The last lines, newest last. */
  get tail(): string {
    return this.#tail.join("\n");
  }
}
