import { limits, RbeeError, type OperationResult } from "@rbee/contracts";
import { dropUndefined } from "../openai/sampling.ts";
import { ApiJob, delay } from "./api-job.ts";
import type { ApiCaller } from "./caller.ts";
import { mustBeAllowed } from "./rate-limits.ts";

export interface Embedded {
  readonly embeddings: readonly (readonly number[])[];
  readonly prompt_tokens: number;
}

/** What all jobs of one request say. */
interface Wanted {
  readonly model: string;
  readonly keep_alive?: number | undefined;
}

/** Texts that are one job. */
interface Batch {
  /** Where its vectors stand among those of the others. */
  readonly at: number;
  /** Which job of the request. */
  readonly part: number;
  readonly texts: readonly string[];
  /** Why its texts are cut to what the model reads. */
  readonly tooLong?: RbeeError;
}

/** One job for so many texts, a few at a time: one answer of a hive has to fit into a frame. */
export class EmbedJobs {
  readonly #caller: ApiCaller;
  readonly #wanted: Wanted;
  readonly #batches: readonly Batch[];
  readonly #first: ApiJob;
  /** Nobody wants the rest. */
  readonly #failed: AbortController;

  private constructor(
    caller: ApiCaller,
    wanted: Wanted,
    work: { batches: readonly Batch[]; first: ApiJob; failed: AbortController },
  ) {
    this.#caller = caller;
    this.#wanted = wanted;
    this.#batches = work.batches;
    this.#first = work.first;
    this.#failed = work.failed;
  }

  /** The first job tells whether there is such a model. @throws RbeeError */
  static async start(caller: ApiCaller, wanted: Wanted, texts: readonly string[]): Promise<EmbedJobs> {
    const size = limits.api_embed_inputs;
    const batches = Array.from({ length: Math.ceil(texts.length / size) }, (_, n) => ({
      at: n,
      part: n,
      texts: texts.slice(n * size, (n + 1) * size),
    }));
    await mustBeAllowed(caller, batches.length, { together: false });
    const failed = new AbortController();
    const signal = AbortSignal.any([caller.signal, failed.signal]);
    const [head = { at: 0, part: 0, texts }] = batches;
    const first = await startOne({ ...caller, signal }, wanted, head);
    return new EmbedJobs({ ...caller, signal }, wanted, { batches, first, failed });
  }

  get id(): string {
    return this.#first.id;
  }

  /** Vectors of length 1 in the order of the texts. @param cut what is too long for the model is cut @throws RbeeError */
  async read({ cut = false }: { readonly cut?: boolean } = {}): Promise<Embedded> {
    const results: OperationResult<"embed">[] = [];
    const todo = [...this.#batches];
    let lanes = 0;
    const work = async (): Promise<void> => {
      lanes++;
      let waited_ms = 0;
      for (let batch = todo.shift(); batch !== undefined; batch = todo.shift()) {
        try {
          results[batch.at] = await resultOf(await this.#start(batch));
          waited_ms = 0;
        } catch (error) {
          todo.unshift(this.#again(batch, error, cut));
          if (!isProblem(error, "rate_limited")) continue;
          // The key may have no more jobs now: those that run go on with the rest.
          if (lanes > 1) break;
          waited_ms += await this.#pause(error, waited_ms);
        }
      }
      lanes--;
    };
    await Promise.all(Array.from({ length: limits.api_embed_jobs }, work)).catch((error: unknown) => {
      this.#failed.abort();
      throw error;
    });
    return {
      embeddings: results.flatMap(({ embeddings }) => embeddings),
      prompt_tokens: results.reduce((sum, { usage }) => sum + usage.prompt_tokens, 0),
    };
  }

  async #start(batch: Batch): Promise<ApiJob> {
    if (batch === this.#batches[0]) return this.#first;
    this.#caller.signal.throwIfAborted();
    return startOne(this.#caller, this.#wanted, batch);
  }

  /**
   * What is to be done once more. Texts are cut only when they were too long: hives a version behind refuse the word.
   * @throws RbeeError when that cannot help
   */
  #again(batch: Batch, error: unknown, cut: boolean): Batch {
    if (isProblem(error, "rate_limited")) return batch;
    if (cut && batch.tooLong === undefined && isProblem(error, "context_length_exceeded"))
      return { ...batch, part: batch.part + this.#batches.length, tooLong: error };
    throw isProblem(error, "invalid_input") ? (batch.tooLong ?? error) : error;
  }

  /** @returns how long it was @throws RbeeError the reason, when it lasts too long */
  async #pause(reason: RbeeError, waited_ms: number): Promise<number> {
    const { retry_after_s } = reason;
    const ms = retry_after_s === undefined ? limits.api_next_job_pause_ms : retry_after_s * 1_000;
    if (waited_ms + ms > limits.api_next_job_wait_ms) throw reason;
    await delay(ms);
    return ms;
  }
}

const isProblem = (error: unknown, code: RbeeError["code"]): error is RbeeError =>
  error instanceof RbeeError && error.code === code;

const startOne = async (caller: ApiCaller, wanted: Wanted, { texts, part, tooLong }: Batch): Promise<ApiJob> => {
  const truncate = tooLong === undefined ? undefined : true;
  return ApiJob.start(caller, {
    operation: "embed",
    input: dropUndefined({ ...wanted, input: texts, truncate }),
    part,
  });
};

async function resultOf(job: ApiJob): Promise<OperationResult<"embed">> {
  for await (const event of job.events())
    if (event.type === "result") return event.result as unknown as OperationResult<"embed">;
  throw new RbeeError("unavailable");
}

/** The first numbers of a vector, again of length 1. */
export function shortened(vector: readonly number[], dimensions: number | undefined): readonly number[] {
  if (dimensions === undefined || dimensions === vector.length) return vector;
  const first = vector.slice(0, dimensions);
  const length = Math.hypot(...first) || 1;
  return first.map((one) => one / length);
}
