import type { Ora } from "ora";
import type { JobEvent } from "@rbee/sdk";
import { paintErr, plain, say, widthOf } from "./output.ts";
import { fitted, progressLine, progressWords } from "./progress.ts";
import { spinner } from "./spinner.ts";

/** A spinner for less than this would only flicker. */
const spinner_delay_ms = 150;
/** The spinner itself, a blank, and the last column, which some terminals wrap at. */
const SPINNER_COLUMNS = 3;

/** Says on stderr what a job is doing: one line that changes on a terminal, plain lines otherwise. */
export class Narrator {
  readonly #live = process.stderr.isTTY;
  #spinner: Ora | undefined;
  #timer: NodeJS.Timeout | undefined;
  #text = "";
  /** What the progress is about. */
  #label = "";
  readonly #verbose: boolean;
  readonly #quiet: boolean;

  /** @param options `verbose`: every word is worth a line of its own, also on a terminal; `quiet`: none is */
  constructor({ verbose = false, quiet = false }: { readonly verbose?: boolean; readonly quiet?: boolean } = {}) {
    this.#verbose = verbose;
    this.#quiet = quiet;
  }

  show(said: JobEvent): void {
    if (this.#quiet) return;
    const event = plain(said);
    if (this.#verbose && event.type === "narration" && event.level === "info") return this.#line(event.human);
    if (event.type === "narration" && event.level !== "info") {
      this.#line(paintErr(event.level === "warn" ? "yellow" : "red", `${event.level}: ${event.human}`));
    }
    if (event.type === "progress" && this.#live) {
      return this.working(progressLine(this.#label, event, widthOf(process.stderr) - SPINNER_COLUMNS));
    }
    const text = wordsFor(event);
    if (text === undefined) return;
    this.#label = text;
    this.working(
      this.#live ? fitted(text, widthOf(process.stderr) - SPINNER_COLUMNS) : text,
      event.type !== "progress",
    );
  }

  /** What goes on now. Without a terminal only what is worth a line of a log is `lasting`. */
  working(text: string, lasting = false): void {
    if (this.#quiet) return;
    if (!this.#live) {
      if (lasting && text !== this.#text) say(text);
      this.#text = text;
      return;
    }
    this.#text = text;
    if (this.#spinner !== undefined) this.#spinner.text = text;
    this.#timer ??= setTimeout(() => {
      this.#spinner = spinner(this.#text);
    }, spinner_delay_ms);
  }

  /** Leaves the line clean for what comes next. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#spinner?.stop();
    this.#spinner = undefined;
  }

  #line(text: string): void {
    this.#spinner?.clear();
    say(text);
  }
}

/** An event in the words of one changing line; nothing for what is not progress. */
export function wordsFor(event: JobEvent): string | undefined {
  if (event.type === "narration") return event.level === "info" ? event.human : undefined;
  if (event.type === "progress") return progressWords(event);
  if (event.type === "attempt")
    return event.tokens_kept > 0 ? `${event.hive_id} goes on with the answer` : `${event.hive_id} tries again`;
  if (event.type !== "state" || event.state !== "queued") return undefined;
  const place = event.position === undefined ? "" : `, position ${event.position}`;
  return `Waiting in the queue${place}${event.reason === undefined ? "" : `: ${event.reason}`}`;
}
