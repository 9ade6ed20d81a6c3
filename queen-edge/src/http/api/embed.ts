import { limits, RbeeError, type OperationResult } from "@rbee/contracts";
import { dropUndefined } from "../openai/sampling.ts";
import { ApiJob } from "./api-job.ts";
import type { ApiCaller } from "./caller.ts";

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

  private constructor(caller: ApiCaller, wanted: Wanted, work: { batches: readonly Batch[]; first: ApiJob }) {
    this.#caller = caller;
    this.#wanted = wanted;
    this.#batches = work.batches;
    this.#first = work.first;
  }

  /** The first job tells whether there is such a model. @throws RbeeError */
  static async start(caller: ApiCaller, wanted: Wanted, texts: readonly string[]): Promise<EmbedJobs> {
    const size = limits.api_embed_inputs;
    const batches = Array.from({ length: Math.ceil(texts.length / size) }, (_, n) => ({
      at: n,
      part: n,
      texts: texts.slice(n * size, (n + 1) * size),
    }));
    const [head = { at: 0, part: 0, texts }] = batches;
    return new EmbedJobs(caller, wanted, { batches, first: await startOne(caller, wanted, head) });
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
      for (let batch = todo.shift(); batch !== undefined; batch = todo.shift()) {
        const job = await this.#start(batch, { alone: lanes === 1 });
        // The key may have no more jobs now: those that run go on with the rest.
        if (job === undefined) {
          todo.unshift(batch);
          if (lanes > 1) break;
          continue;
        }
        try {
          results[batch.at] = await resultOf(job);
        } catch (error) {
          todo.unshift(this.#shortened(batch, error, cut));
        }
      }
      lanes--;
    };
    await Promise.all(Array.from({ length: limits.api_embed_jobs }, work));
    return {
      embeddings: results.flatMap(({ embeddings }) => embeddings),
      prompt_tokens: results.reduce((sum, { usage }) => sum + usage.prompt_tokens, 0),
    };
  }

  /** `undefined`: the key may have no more jobs beside those of this request. @throws RbeeError */
  async #start(batch: Batch, { alone }: { readonly alone: boolean }): Promise<ApiJob | undefined> {
    if (batch === this.#batches[0]) return this.#first;
    try {
      return await startOne(this.#caller, this.#wanted, batch);
    } catch (error) {
      if (alone || !isProblem(error, "rate_limited")) throw error;
      return undefined;
    }
  }

  /** The texts once more, to be cut: only then is it asked for, as hives a version behind refuse the word. @throws RbeeError */
  #shortened(batch: Batch, error: unknown, cut: boolean): Batch {
    if (cut && batch.tooLong === undefined && isProblem(error, "context_length_exceeded"))
      return { ...batch, part: batch.part + this.#batches.length, tooLong: error };
    throw isProblem(error, "invalid_input") ? (batch.tooLong ?? error) : error;
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
