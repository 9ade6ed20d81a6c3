import type { Tool } from "@rbee/contracts";
import type { LlamaModel } from "node-llama-cpp";
import { argumentsGrammar, type AnswerGrammar, type GrammarEngine } from "../grammar.ts";
import type { CallStream } from "./call-stream.ts";

/** How arguments may have begun in the same token as what is in front of them. */
const BEGINNING = /^\s*(\{\s*(")?)?$/;

/** Holds the arguments of a call to its tool's schema, also of one that the model began by itself. */
export class ArgumentsGrammar {
  readonly #engine: GrammarEngine;
  readonly #tools: readonly Tool[];
  readonly #calls: CallStream;
  /** Of the call with this number. */
  #current: { readonly call: number; readonly grammar: AnswerGrammar | undefined } | undefined;

  constructor(engine: GrammarEngine, tools: readonly Tool[], calls: CallStream) {
    this.#engine = engine;
    this.#tools = tools;
    this.#calls = calls;
  }

  /** What the next token has to fit. */
  get state(): AnswerGrammar["state"] | undefined {
    const { opened, calls, constrained } = this.#calls;
    if (opened === undefined || constrained || this.#current?.call !== calls) return undefined;
    return this.#current.grammar?.state;
  }

  /** After each token: a call that has just begun gets its grammar. */
  async follow(model: LlamaModel): Promise<void> {
    const { opened, calls, constrained } = this.#calls;
    if (opened === undefined || constrained || this.#current?.call === calls) return;
    const parameters = this.#tools.find((tool) => tool.function.name === opened.name)?.function.parameters;
    const begun = BEGINNING.exec(opened.written);
    // A quote begins a property's name: where there may be none, the model is left to itself.
    const fits = begun !== null && (begun[2] === undefined || Object.keys(parameters?.["properties"] ?? {}).length > 0);
    const grammar = fits ? await argumentsGrammar(this.#engine, parameters) : undefined;
    for (const token of model.tokenize(opened.written.trimStart(), false, "trimLeadingSpace")) grammar?.accept(token);
    this.#current = { call: calls, grammar };
  }
}
