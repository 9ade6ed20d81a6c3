import { RbeeError } from "@rbee/contracts";
import type { LlamaEmbeddingContext, LlamaModel } from "node-llama-cpp";
import type { Embeddings } from "./protocol.ts";
import { unit } from "./unit.ts";

/** Turns texts into vectors. Its context is made when it is first needed: most models never embed anything. */
export class Embedder {
  readonly #model: LlamaModel;
  readonly #options: { readonly threads: number; readonly contextTokens: number };
  #context: Promise<LlamaEmbeddingContext> | undefined;

  constructor(model: LlamaModel, options: { threads: number; contextTokens: number }) {
    this.#model = model;
    this.#options = options;
  }

  async embed(texts: readonly string[], signal: AbortSignal): Promise<Embeddings> {
    const context = await this.#open();
    const lengths = texts.map((text) => this.#lengthOf(context, text));
    const embeddings: number[][] = [];
    for (const text of texts) {
      signal.throwIfAborted();
      const { vector } = await context.getEmbeddingFor(this.#model.tokenize(text, false));
      embeddings.push(unit(vector));
    }
    return { embeddings, prompt_tokens: lengths.reduce((sum, length) => sum + length, 0) };
  }

  #lengthOf(context: LlamaEmbeddingContext, text: string): number {
    const length = context.calculateInputLength(this.#model.tokenize(text, false));
    const most = this.#contextSize - 1;
    if (length <= most) return length;
    throw new RbeeError(
      "context_length_exceeded",
      `a text has ${length} tokens, and this model embeds at most ${most}`,
    );
  }

  get #contextSize(): number {
    return Math.min(this.#options.contextTokens, this.#model.trainContextSize ?? this.#options.contextTokens);
  }

  async #open(): Promise<LlamaEmbeddingContext> {
    const contextSize = this.#contextSize;
    // A text is evaluated in one batch, or its parts would not see each other.
    this.#context ??= this.#model.createEmbeddingContext({
      contextSize,
      batchSize: contextSize,
      threads: this.#options.threads,
    });
    return await this.#context;
  }
}
