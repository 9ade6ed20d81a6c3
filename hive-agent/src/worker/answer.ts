import { limits, type Generation, type Logprob, type Piece, type ToolCall } from "@rbee/contracts";
import type { LlamaModel, Token } from "node-llama-cpp";
import { likelihoods } from "./likelihoods.ts";
import type { CallStream } from "./tools/call-stream.ts";
import { CharacterStream, StopFilter } from "./text.ts";

export type PromptTold = Exclude<Piece, string>["prompt"];

export interface AnswerRules {
  readonly model: LlamaModel;
  readonly generation: Generation;
  /** Tokens in front of the answer: they decide about its first space. */
  readonly before: readonly Token[];
  readonly stopTexts: readonly string[];
  readonly dropTrailingSpace: boolean;
  /** Where the answer may hold calls. */
  readonly calls: CallStream | undefined;
  /** Goes with the first piece. */
  readonly told: PromptTold;
  readonly emit: (piece: Piece) => void;
}

/** Makes of tokens what readers get: whole characters, up to a stop string, tool calls told from text. */
export class AnswerWriter {
  readonly #rules: AnswerRules;
  readonly #characters: CharacterStream<Token>;
  readonly #filter: StopFilter;
  readonly #toolCalls: { id: string; name: string; text: string }[] = [];
  #told: PromptTold;
  #logprobs: Logprob[] = [];

  constructor(rules: AnswerRules) {
    const { model, before, stopTexts, dropTrailingSpace } = rules;
    this.#rules = rules;
    this.#told = rules.told;
    // A call may be marked by control tokens, which have a text only when asked for it.
    const special = rules.calls !== undefined;
    this.#characters = new CharacterStream<Token>(
      (tokens, before) => model.detokenize(tokens, special, before),
      before,
    );
    this.#filter = new StopFilter(stopTexts, { dropTrailingSpace });
  }

  /** A stop string came, or all calls that are wanted. */
  get over(): boolean {
    return this.#filter.stopped || this.#rules.calls?.over === true;
  }

  /** The stop string of the request that ended it. */
  get stop(): string | undefined {
    const { stop } = this.#filter;
    return this.#rules.generation.stop.find((asked) => asked === stop);
  }

  get toolCalls(): ToolCall[] {
    return this.#toolCalls.map(({ id, name, text }) => ({ id, type: "function", function: { name, arguments: text } }));
  }

  push(token: Token, probabilities: ReadonlyMap<Token, number> | undefined): void {
    const { model, generation } = this.#rules;
    if (probabilities !== undefined && this.#logprobs.length < limits.logprobs_per_event_max) {
      this.#logprobs.push(likelihoods(model, token, { probabilities, top: generation.logprobs ?? 0 }));
    }
    this.#write(this.#filter.push(this.#characters.push(token)));
  }

  end(): void {
    this.#write(this.#filter.push(this.#characters.flush()) + this.#filter.flush());
    for (const piece of this.#rules.calls?.end() ?? []) this.#emit(piece);
  }

  #write(text: string): void {
    if (text === "") return;
    const { calls } = this.#rules;
    if (calls === undefined) return this.#emit(text);
    for (const piece of calls.push(text)) this.#emit(piece);
  }

  #emit(piece: Piece): void {
    if (typeof piece !== "string" && piece.tool_call !== undefined) this.#note(piece.tool_call);
    const prompt = this.#told;
    const logprobs = this.#logprobs.length === 0 ? undefined : this.#logprobs;
    if (prompt === undefined && logprobs === undefined) return this.#rules.emit(piece);
    this.#told = undefined;
    this.#logprobs = [];
    this.#rules.emit({ ...(typeof piece === "string" ? { text: piece } : piece), prompt, logprobs });
  }

  #note(part: NonNullable<Exclude<Piece, string>["tool_call"]>): void {
    const { index, id, name, arguments: text = "" } = part;
    if (id !== undefined && name !== undefined) this.#toolCalls.push({ id, name, text });
    else {
      const call = this.#toolCalls[index];
      if (call !== undefined) call.text += text;
    }
  }
}
