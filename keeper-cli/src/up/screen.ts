import type { Ora } from "ora";
import type { Answer } from "../commands/infer.ts";
import { statsOf, writeText } from "../commands/infer.ts";
import { paintErr, paintOut, printJson, say, widthOf } from "../terminal/output.ts";
import { spinner } from "../terminal/spinner.ts";
import { WordWrap } from "../terminal/word-wrap.ts";
import { duration } from "../terminal/words.ts";
import { HIVE_ID, type ReadyQueen } from "./children.ts";

export interface Ready {
  readonly queen: ReadyQueen;
  readonly model: string;
  readonly ready_ms: number;
}

/** What `up` shows: steps on stderr, in the terminal's own way; for a program (`json`) only events on stdout. */
export class Screen {
  readonly #json: boolean;
  #spinner: Ora | undefined;
  #text = "";

  constructor(options: { readonly json: boolean }) {
    this.#json = options.json;
  }

  /** A step begins. */
  step(text: string): void {
    this.#text = text;
    if (process.stderr.isTTY) this.#spinner = spinner(text);
  }

  /** The same step, further on. */
  progress(text: string): void {
    if (this.#spinner !== undefined) this.#spinner.text = `${this.#text} ${paintErr("dim", text)}`;
  }

  done(text: string): void {
    if (this.#spinner === undefined) say(text);
    else this.#spinner.succeed(text);
    this.#spinner = undefined;
  }

  /** The step goes no further; its error is shown elsewhere. */
  abandon(): void {
    this.#spinner?.stop();
    this.#spinner = undefined;
  }

  warn(text: string): void {
    const spinner = this.#spinner;
    spinner?.clear();
    say(`${paintErr("yellow", "!")} ${text}`);
  }

  ready({ queen, model, ready_ms }: Ready): void {
    if (!this.#json) return;
    printJson({ event: "ready", queen_url: queen.url, api_key: queen.key, hive_id: HIVE_ID, model, ready_ms });
  }

  /** A prompt, and below it the answer as it is written. */
  prompt(text: string): void {
    if (!this.#json) process.stdout.write(`\n${paintOut("yellow", "›")} ${paintOut("bold", text)}\n\n`);
  }

  /** Writes the answer as it comes, on a terminal without breaking words. */
  answerWriter(): (text: string) => void {
    if (!process.stdout.isTTY) return writeText;
    const wrap = new WordWrap(widthOf(process.stdout) - 1);
    return (text) => writeText(wrap.push(text));
  }

  answer(answer: Answer): void {
    if (this.#json) printJson({ event: "answer", ...answer });
    else process.stdout.write(`${paintOut("dim", statsOf(answer))}\n`);
  }

  /** Where everything is, once it runs. */
  summary({ queen, model, ready_ms }: Ready, demo: boolean): void {
    if (this.#json) return;
    const body = JSON.stringify({ operation: "infer", model, prompt: "Hello!" });
    const lines = [
      "",
      `${paintOut("green", "●")} ${paintOut("bold", "rbee is up")} ${paintOut("dim", `in ${duration(ready_ms)}`)}`,
      "",
      `  Queen  ${paintOut("cyan", queen.url)}`,
      `  Key    ${queen.key}`,
      `  Look   ${paintOut("cyan", `${queen.url}/#key=${queen.key}`)}`,
      "",
      "  In another terminal:",
      "",
      paintOut("cyan", "    npm run rbee -- chat"),
      paintOut("cyan", "    npm run rbee -- status"),
      paintOut("cyan", `    curl -N ${queen.url}/v1/jobs \\`),
      paintOut("cyan", `      -H 'authorization: Bearer ${queen.key}' \\`),
      paintOut("cyan", `      -H 'accept: text/event-stream' \\`),
      paintOut("cyan", `      -d '${body}'`),
      "",
      ...(demo ? [`  ${model} is a tiny demo model. For a real one: npm start -- --model <file.gguf>`] : []),
      "  Ctrl-C stops everything.",
      "",
      "",
    ];
    process.stdout.write(lines.join("\n"));
  }
}
