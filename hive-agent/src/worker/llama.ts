import { RbeeError, type Generation } from "@rbee/contracts";
import {
  getLlama,
  LlamaLogLevel,
  type Llama,
  type LlamaContextSequence,
  type LlamaModel,
  type Token,
} from "node-llama-cpp";
import { AnswerWriter, type PromptTold } from "./answer.ts";
import { Embedder } from "./embedder.ts";
import { answerGrammar, answerOrCallGrammar, callGrammar, type AnswerGrammar } from "./grammar.ts";
import { evaluate, type Evaluation } from "./evaluation.ts";
import type {
  Embeddings,
  EmbedWork,
  Engine,
  EngineOptionsOf,
  GenerationEnd,
  GenerationWork,
  LoadHooks,
  Sink,
  StartOptions,
} from "./protocol.ts";
import { PromptRenderer, type Prompt } from "./prompt.ts";
import { sampling } from "./sampling.ts";
import { Slots } from "./slots.ts";
import { TokenEnds } from "./token-ends.ts";
import type { CallFormat } from "./tools/call-format.ts";
import { ArgumentsGrammar } from "./tools/arguments-grammar.ts";
import { CallStream } from "./tools/call-stream.ts";
import type { ToolRules } from "./tools/tool-rules.ts";
import { Vocabulary } from "./vocabulary.ts";

/** Architectures that only encode: the engine loads them, and would answer nothing. */
const EMBEDDING_ONLY = /bert|t5encoder/;

/** Loads a model into this process. @throws what the engine says when it cannot */
export async function loadLlama(
  { path, backend }: EngineOptionsOf<"llama">,
  options: StartOptions,
  hooks: LoadHooks,
): Promise<Engine> {
  const llama = await getLlama({
    gpu: backend === "cpu" ? false : backend,
    // More threads than cores stall the engine thirtyfold.
    maxThreads: options.threads,
    build: "never",
    skipDownload: true,
    logLevel: LlamaLogLevel.warn,
    logger: (level, message) => hooks.log(`llama ${level}: ${message.trimEnd()}`),
  });
  const model = await llama.loadModel({
    modelPath: path,
    onLoadProgress: (progress) => hooks.onProgress(progress),
  });
  return new LlamaEngine({
    llama,
    model,
    slots: await slotsOf(model, options),
    embedder: new Embedder(model, { threads: options.threads, contextTokens: options.context }),
    contextTokens: options.context,
    backend: backend === "cpu" ? "cpu" : "gpu",
  });
}

/** None for a model that only embeds. */
async function slotsOf(model: LlamaModel, options: StartOptions): Promise<LlamaSlot[]> {
  if (EMBEDDING_ONLY.test(model.fileInfo.metadata.general.architecture)) return [];
  const context = await model.createContext({
    contextSize: options.context,
    sequences: options.slots,
    threads: options.threads,
    failedCreationRemedy: false,
  });
  return Array.from({ length: options.slots }, () => new LlamaSlot(context.getSequence()));
}

class LlamaSlot {
  readonly sequence: LlamaContextSequence;
  constructor(sequence: LlamaContextSequence) {
    this.sequence = sequence;
  }

  commonPrefix(tokens: readonly Token[]): number {
    return Math.min(this.sequence.compareContextTokens(tokens as Token[]).firstDifferentIndex, tokens.length);
  }
}

interface Loaded {
  readonly llama: Llama;
  readonly model: LlamaModel;
  readonly slots: readonly LlamaSlot[];
  readonly embedder: Embedder;
  readonly contextTokens: number;
  readonly backend: Evaluation["backend"];
}

interface Work {
  readonly generation: Generation;
  readonly prompt: Prompt;
  /** What was generated of the answer before, elsewhere. */
  readonly resumed: readonly Token[];
  readonly grammar: AnswerGrammar | undefined;
  readonly calls: CallStream | undefined;
  readonly sink: Sink;
}

/** Generates on the sequences of one context; the engine batches those that run at the same time. */
class LlamaEngine implements Engine {
  readonly #loaded: Loaded;
  readonly #renderer: PromptRenderer;
  readonly #vocabulary: Vocabulary;
  readonly #slots: Slots<Token, LlamaSlot>;

  constructor(loaded: Loaded) {
    this.#loaded = loaded;
    this.#renderer = new PromptRenderer(loaded.model);
    this.#vocabulary = new Vocabulary(loaded.model);
    this.#slots = new Slots(loaded.slots);
  }

  slotsBusy(): number {
    return this.#slots.busy;
  }

  async embed(work: EmbedWork, signal: AbortSignal): Promise<Embeddings> {
    return await this.#loaded.embedder.embed(work, signal);
  }

  async generate({ generation, resume = [] }: GenerationWork, sink: Sink): Promise<GenerationEnd> {
    const received = performance.now();
    const { architecture } = this.#loaded.model;
    if (EMBEDDING_ONLY.test(architecture))
      throw new RbeeError("unsupported", `a ${architecture} model generates no text`);
    const prompt = this.#renderer.render(generation);
    const { contextTokens } = this.#loaded;
    if (prompt.tokens.length + 1 > contextTokens) {
      // Clients tell this failure from others by OpenAI's words for it.
      const detail = `this model's maximum context length is ${contextTokens} tokens here; the prompt has ${prompt.tokens.length}, and the answer needs one`;
      throw new RbeeError("context_length_exceeded", detail);
    }
    const { rules, format } = prompt;
    const calls = rules === undefined ? undefined : callsOf(rules, format);
    const grammar = await this.#grammarOf(generation.response_format, prompt);
    const resumed = this.#vocabulary.tokensOf(resume);
    const slot = await this.#slots.take([...prompt.tokens, ...resumed], sink.signal);
    sink.begun?.();
    const wait_ms = performance.now() - received;
    try {
      const end = await this.#run(slot.sequence, { generation, prompt, resumed, grammar, calls, sink });
      return { ...end, timings: { ...end.timings, wait_ms } };
    } catch (error) {
      // Whatever the engine choked on must not be what the next request goes on from.
      if (!sink.signal.aborted) await slot.sequence.clearHistory();
      throw error;
    } finally {
      this.#slots.release(slot);
    }
  }

  async #grammarOf(wanted: Generation["response_format"], { rules, format }: Prompt) {
    if (rules === undefined) return await answerGrammar(this.#loaded, wanted);
    if (rules.forced !== undefined) return await callGrammar(this.#loaded, rules.forced, format);
    const names = rules.tools.map((tool) => tool.function.name);
    return await answerOrCallGrammar(this.#loaded, wanted, { names, call: format });
  }

  async #run(sequence: LlamaContextSequence, work: Work): Promise<GenerationEnd> {
    const begun = performance.now();
    const { generation, prompt, resumed, sink } = work;
    const most = Math.min(generation.max_tokens, this.#loaded.contextTokens - prompt.tokens.length);
    if (resumed.length >= most) return nothingMore(work);
    const { rest, cached } = await evaluate(sequence, {
      tokens: [...prompt.tokens, ...resumed],
      promptTokens: prompt.tokens.length,
      exact: generation.temperature === 0,
      backend: this.#loaded.backend,
      signal: sink.signal,
    });
    const prompt_tokens = prompt.tokens.length;
    const cached_tokens = Math.min(cached, prompt_tokens);
    const told = { tokens: prompt_tokens, cached_tokens };
    const answer = await this.#answer(sequence, { ...work, rest, most, told });
    const ended = performance.now();
    const { completion_tokens, finish_reason, stop, tool_calls } = answer;
    const first = answer.firstAt ?? ended;
    const generation_ms = ended - first;
    return {
      finish_reason,
      ...(stop === undefined ? {} : { stop }),
      ...(tool_calls.length === 0 ? {} : { tool_calls }),
      usage: { prompt_tokens, cached_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens },
      timings: {
        wait_ms: 0,
        prompt_ms: first - begun,
        generation_ms,
        // The first token belongs to the prompt's time.
        tokens_per_s:
          generation_ms > 0 ? (Math.max(0, completion_tokens - resumed.length - 1) / generation_ms) * 1_000 : 0,
      },
    };
  }

  async #answer(sequence: LlamaContextSequence, work: Work & { rest: Token[]; most: number; told: PromptTold }) {
    const { generation, prompt, resumed, grammar, calls, sink, rest, most, told } = work;
    const stopTexts = [...generation.stop, ...prompt.stopTexts, ...(grammar?.stopTexts ?? [])];
    const writer = new AnswerWriter({
      model: this.#loaded.model,
      generation,
      before: [...prompt.tokens, ...resumed],
      stopTexts,
      dropTrailingSpace: grammar !== undefined,
      calls,
      told,
      emit: (piece) => sink.emit(piece),
    });
    const ends = new TokenEnds(prompt.stopTokens);
    const generated = [...resumed];
    for (const token of resumed) {
      ends.reached(token);
      grammar?.accept(token);
    }
    let firstAt: number | undefined;
    let finish_reason: "stop" | "length" = "stop";
    const probabilities = generation.logprobs !== undefined;
    // Text that may be held back as the beginning of a stop string cannot be followed token by token.
    const follows = calls !== undefined && (stopTexts.length === 0 || calls.constrained);
    const followed = follows ? new ArgumentsGrammar(this.#loaded, prompt.rules?.tools ?? [], calls) : undefined;
    const sampled = sequence.evaluateWithMetadata(rest, { probabilities }, sampling({ ...work, generated, followed }));
    for await (const next of sampled as AsyncIterable<Sampled>) {
      const { token } = next;
      sink.signal.throwIfAborted();
      firstAt ??= performance.now();
      if (ends.reached(token)) break;
      generated.push(token);
      writer.push(token, next.probabilities);
      if (writer.over) break;
      await followed?.follow(this.#loaded.model);
      if (generated.length >= most) {
        finish_reason = "length";
        break;
      }
      await sink.room;
    }
    sink.signal.throwIfAborted();
    writer.end();
    const { over, stop, toolCalls: tool_calls } = writer;
    const reason = over ? "stop" : finish_reason;
    return {
      completion_tokens: generated.length,
      firstAt,
      finish_reason: reason === "stop" && tool_calls.length > 0 ? ("tool_calls" as const) : reason,
      stop,
      tool_calls,
    };
  }
}

interface Sampled {
  readonly token: Token;
  /** Likeliest first. */
  readonly probabilities?: ReadonlyMap<Token, number>;
}

const callsOf = ({ tools, forced, most }: ToolRules, format: CallFormat): CallStream =>
  new CallStream({
    format,
    names: new Set(tools.map((tool) => tool.function.name)),
    forced: forced !== undefined,
    most,
  });

/** The hive was lost between its last token and its end. */
function nothingMore({ prompt, resumed }: Work): GenerationEnd {
  const [prompt_tokens, completion_tokens] = [prompt.tokens.length, resumed.length];
  return {
    finish_reason: "length",
    usage: { prompt_tokens, cached_tokens: 0, completion_tokens, total_tokens: prompt_tokens + completion_tokens },
    timings: { wait_ms: 0, prompt_ms: 0, generation_ms: 0, tokens_per_s: 0 },
  };
}
