import { limits } from "@rbee/contracts";
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { ModelHeader } from "./gguf.ts";

export interface HeaderQuestion {
  readonly path: string;
  readonly size: number;
}

/** What a model file says of itself, or what is wrong with it. */
export type HeaderAnswer = { readonly header: ModelHeader } | { readonly problem: string };

export interface GgufReaderOptions {
  readonly read_ms?: number;
  readonly heap_mib?: number;
}

/** The process stays for the next question for so long: a folder is read at once, then nothing for days. */
const IDLE_MS = 2_000;
const program = fileURLToPath(new URL("gguf-child.ts", import.meta.url));

/** Reads headers one at a time in a process of bounded memory, which is killed when it takes too long. Never throws. [MODEL-7] */
export class GgufReader {
  readonly #options: GgufReaderOptions;
  #child: ChildProcess | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #idle: NodeJS.Timeout | undefined;

  constructor(options: GgufReaderOptions = {}) {
    this.#options = options;
  }

  async read(question: HeaderQuestion): Promise<HeaderAnswer> {
    const answer = this.#last.then(async () => this.#ask(question));
    this.#last = answer;
    return answer;
  }

  async #ask(question: HeaderQuestion): Promise<HeaderAnswer> {
    clearTimeout(this.#idle);
    const child = (this.#child ??= this.#start());
    const late = AbortSignal.timeout(this.#options.read_ms ?? limits.gguf_read_ms);
    const heard = new AbortController();
    const signal = AbortSignal.any([late, heard.signal]);
    try {
      child.channel?.ref();
      child.send(question);
      const died = once(child, "exit", { signal }).then(() => undefined);
      const said = once(child, "message", { signal });
      for (const one of [died, said]) one.catch(() => undefined);
      const [answer] = ((await Promise.race([said, died])) ?? []) as [HeaderAnswer?];
      if (answer === undefined) throw new Error("it died");
      // Between two questions nobody waits for it.
      child.channel?.unref();
      this.#idle = setTimeout(() => this.#end(), IDLE_MS).unref();
      return answer;
    } catch {
      this.#end();
      return { problem: late.aborted ? "reading its header takes too long" : "its header is more than can be read" };
    } finally {
      heard.abort();
    }
  }

  #start(): ChildProcess {
    const { heap_mib = limits.gguf_heap_mib } = this.#options;
    const execArgv = [`--max-old-space-size=${heap_mib}`, "--disable-warning=ExperimentalWarning"];
    const child = fork(program, [], { env: {}, execArgv, stdio: ["ignore", "ignore", "ignore", "ipc"] });
    child.unref();
    child.on("error", () => undefined);
    child.on("exit", () => {
      if (this.#child === child) this.#child = undefined;
    });
    return child;
  }

  #end(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }
}
