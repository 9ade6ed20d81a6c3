import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The real models that are measured. */

/** Of something in the project's folder. */
export const path = (relative: string): string => fileURLToPath(new URL(`../../${relative}`, import.meta.url));

export const EMBEDDER = "all-MiniLM-L6-v2";

/** A real embedding model; it is not part of the project. */
export const embedderFile = path("../shared/models/all-MiniLM-L6-v2.Q8_0.gguf");
export const hasEmbedder = existsSync(embedderFile);

/** A real model that holds thousands of tokens; it is not part of the project. */
const LARGE = {
  file: path("../shared/models/stories260K-chat-8k.f32.gguf"),
  model: "stories260K-chat-8k",
  context: 8_192,
  chars: 4_500,
};
/** What there is otherwise holds a part of the text. */
const SMALL = { file: path("models/bee-tiny/bee-tiny.f16.gguf"), model: "bee-tiny", context: 2_048, chars: 2_500 };

/** Who holds the conversations, and how much of the text fits. */
export const listener = existsSync(LARGE.file) ? LARGE : SMALL;
