import type { LlamaModel, Token } from "node-llama-cpp";

/**
 * Finds the tokens of text that was generated elsewhere. Tokenised as a whole it might fall apart otherwise than it was
 * generated; a frame is nearly always one token, which is looked up.
 */
export class Vocabulary {
  readonly #model: LlamaModel;
  /** Made when first needed: reading a large vocabulary takes a moment. */
  #byText: Map<string, Token> | undefined;

  constructor(model: LlamaModel) {
    this.#model = model;
  }

  tokensOf(pieces: readonly string[]): Token[] {
    if (pieces.length === 0) return [];
    this.#byText ??= read(this.#model);
    const known = this.#byText;
    return pieces.flatMap((piece) => {
      const token = known.get(piece);
      return token === undefined ? this.#model.tokenize(piece, false, "trimLeadingSpace") : [token];
    });
  }
}

function read(model: LlamaModel): Map<string, Token> {
  const texts = new Map<string, Token>();
  // A token's text shows its leading space only behind another one.
  const [before] = model.tokenize("a", false);
  for (const token of model.iterateAllTokens()) {
    if (model.isSpecialToken(token)) continue;
    const text = model.detokenize([token], false, before === undefined ? [] : [before]);
    // A single character is often there twice, also as a byte, which is only the way out for unknown ones.
    const known = texts.get(text);
    if (text !== "" && (known === undefined || model.getTokenAttributes(known).byte)) texts.set(text, token);
  }
  return texts;
}
