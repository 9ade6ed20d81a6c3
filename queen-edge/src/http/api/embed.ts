import { limits, RbeeError, type OperationResult } from "@rbee/contracts";
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

/** One job for so many texts, a few at a time: one answer of a hive has to fit into a frame. */
export class EmbedJobs {
  readonly #caller: ApiCaller;
  readonly #wanted: Wanted;
  readonly #batches: readonly (readonly string[])[];
  readonly #first: ApiJob;

  private constructor(
    caller: ApiCaller,
    wanted: Wanted,
    work: { batches: readonly (readonly string[])[]; first: ApiJob },
  ) {
    this.#caller = caller;
    this.#wanted = wanted;
    this.#batches = work.batches;
    this.#first = work.first;
  }

  /** The first job tells whether there is such a model. @throws RbeeError */
  static async start(caller: ApiCaller, wanted: Wanted, texts: readonly string[]): Promise<EmbedJobs> {
    const size = limits.api_embed_inputs;
    const batches = Array.from({ length: Math.ceil(texts.length / size) }, (_, n) =>
      texts.slice(n * size, (n + 1) * size),
    );
    const first = await startOne(caller, wanted, { texts: batches[0] ?? [], part: 0 });
    return new EmbedJobs(caller, wanted, { batches, first });
  }

  get id(): string {
    return this.#first.id;
  }

  /** Vectors of length 1 in the order of the texts. @throws RbeeError */
  async read(): Promise<Embedded> {
    const results: OperationResult<"embed">[] = [];
    const parts = [...this.#batches.keys()];
    let lanes = 0;
    const work = async (): Promise<void> => {
      lanes++;
      for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
        const job = await this.#start(part, { alone: lanes === 1 });
        if (job !== undefined) results[part] = await resultOf(job);
        else parts.unshift(part);
        // The key may have no more jobs now: those that run go on with the rest.
        if (job === undefined && lanes > 1) break;
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
  async #start(part: number, { alone }: { readonly alone: boolean }): Promise<ApiJob | undefined> {
    if (part === 0) return this.#first;
    try {
      return await startOne(this.#caller, this.#wanted, { texts: this.#batches[part] ?? [], part });
    } catch (error) {
      if (alone || !isLimited(error)) throw error;
      return undefined;
    }
  }
}

const isLimited = (error: unknown): boolean => error instanceof RbeeError && error.code === "rate_limited";

const startOne = async (
  caller: ApiCaller,
  { model, keep_alive }: Wanted,
  { texts, part }: { texts: readonly string[]; part: number },
): Promise<ApiJob> => {
  const input = { model, input: texts, ...(keep_alive === undefined ? {} : { keep_alive }) };
  return ApiJob.start(caller, { operation: "embed", input, part });
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
