import { Worker } from "node:worker_threads";
import type { Job, Report, WorkerStart } from "./messages.ts";

/** Garbage of a world dies with it: a nursery of many worlds is emptied, not copied, and a small one stays in the cache. */
const NURSERY_MB = 16;
/** A thread that says nothing for so long hangs in a loop. */
const SILENCE_MS = 120_000;

/** One thread, which runs the jobs it is given one by one. */
export class Runner {
  readonly #worker: Worker;

  constructor(mutant?: string) {
    this.#worker = new Worker(new URL("worker.ts", import.meta.url), {
      workerData: { mutant } satisfies WorkerStart,
      resourceLimits: { maxYoungGenerationSizeMb: NURSERY_MB },
    });
  }

  /** @throws when the thread breaks or hangs */
  run(job: Job): Promise<Report> {
    return new Promise((resolve, reject) => {
      const silence = setTimeout(() => failed(new Error("the thread hangs")), SILENCE_MS);
      const over = (): void => {
        clearTimeout(silence);
        this.#worker.off("error", failed).off("message", done);
      };
      const failed = (error: Error): void => {
        over();
        reject(error);
      };
      const done = (report: Report): void => {
        over();
        resolve(report);
      };
      this.#worker.on("error", failed).on("message", done);
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      this.#worker.postMessage(job);
    });
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}
