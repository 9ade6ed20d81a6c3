import { RbeeError } from "@rbee/contracts";
import type { LlamaEmbeddingContext, LlamaModel, Token } from "node-llama-cpp";
import type { Embeddings, EmbedWork } from "./protocol.ts";
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

  async embed({ texts, truncate = false }: EmbedWork, signal: AbortSignal): Promise<Embeddings> {
    const context = await this.#open();
    const inputs = texts.map((text) => this.#tokensOf(context, text, truncate));
    const embeddings: number[][] = [];
    for (const input of inputs) {
      signal.throwIfAborted();
      const { vector } = await context.getEmbeddingFor(input);
      embeddings.push(unit(vector));
    }
    return { embeddings, prompt_tokens: inputs.reduce((sum, input) => sum + context.calculateInputLength(input), 0) };
  }

  /** Without those that the engine puts around each text, which count as well. */
  #tokensOf(context: LlamaEmbeddingContext, text: string, truncate: boolean): Token[] {
    const tokens = this.#model.tokenize(text, false);
    const length = context.calculateInputLength(tokens);
    const most = this.#contextSize - 1;
    if (length <= most) return tokens;
    if (truncate) return tokens.slice(0, most - length);
    throw new RbeeError(
      "context_length_exceeded",
      `this model's maximum context length is ${most} tokens here, and a text has ${length}`,
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
