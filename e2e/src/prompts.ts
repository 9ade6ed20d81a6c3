import type { OperationRequest } from "@rbee/contracts";

type Infer = OperationRequest<"infer">;

/** A story: about two hundred tokens, always the same. */
export const story: Infer = { model: "bee-tiny", prompt: "Once upon a time", raw: true, temperature: 0 };

/** As many tokens as fit: the grammar does not let the model stop, so there is time to break things. Always the same. */
export const endless: Infer = {
  model: "bee-tiny",
  prompt: "List bees",
  temperature: 0,
  max_tokens: 4_096,
  response_format: {
    type: "json_schema",
    schema: { type: "array", items: { type: "string", minLength: 900 }, minItems: 9 },
  },
};

/** Of these so many that there is time to break things, and to be done in seconds: a grammar makes the engine slow. */
export const long: Infer = { ...endless, max_tokens: 600 };

/** Hot sampling over a tokenizer with byte fallback: characters of several bytes come out of several tokens. */
export const wild: Infer = {
  model: "bee-tiny",
  prompt: "🐝🍯 ümlaut 漢字",
  raw: true,
  temperature: 4,
  top_k: 0,
  top_p: 1,
  min_p: 0,
  seed: 7,
  max_tokens: 400,
};
