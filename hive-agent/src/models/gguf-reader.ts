import { limits } from "@rbee/contracts";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { ModelHeader } from "./gguf.ts";

export interface HeaderQuestion {
  readonly path: string;
  readonly size: number;
}

/** What a model file says of itself, or what is wrong with it. */
export type HeaderAnswer = { readonly header: ModelHeader } | { readonly problem: string };

/** The thread stays for the next question for so long: a folder is read at once, then nothing for days. */
const IDLE_MS = 2_000;

/** Reads headers one at a time in a thread of bounded memory, which is ended when it takes too long. Never throws. */
export class GgufReader {
  #thread: Worker | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #idle: NodeJS.Timeout | undefined;

  async read(question: HeaderQuestion): Promise<HeaderAnswer> {
    const answer = this.#last.then(async () => this.#ask(question));
    this.#last = answer;
    return answer;
  }

  async #ask(question: HeaderQuestion): Promise<HeaderAnswer> {
    clearTimeout(this.#idle);
    const thread = (this.#thread ??= startThread());
    thread.ref();
    const late = AbortSignal.timeout(limits.gguf_read_ms);
    try {
      thread.postMessage(question);
      const [answer] = (await once(thread, "message", { signal: late })) as [HeaderAnswer];
      thread.unref();
      this.#idle = setTimeout(() => this.#end(), IDLE_MS).unref();
      return answer;
    } catch {
      this.#end();
      return { problem: late.aborted ? "reading its header takes too long" : "its header is more than can be read" };
    }
  }

  #end(): void {
    void this.#thread?.terminate();
    this.#thread = undefined;
  }
}

function startThread(): Worker {
  const thread = new Worker(new URL("gguf-thread.ts", import.meta.url), {
    env: {},
    // Flags of this process are not for a thread: some of them it refuses.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: limits.gguf_heap_mib },
  });
  // Whoever asks hears of it too; between two questions nobody needs to.
  thread.on("error", () => undefined);
  return thread;
}
