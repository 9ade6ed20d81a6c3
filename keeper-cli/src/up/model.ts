import { statSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { fail } from "../failure.ts";

/** The demo model that comes with the project. */
export const demoModelFile = fileURLToPath(new URL("../../../models/bee-tiny/bee-tiny.f16.gguf", import.meta.url));

/** The file that `--model` means. @throws RbeeError when there is no such file */
export function modelFileOf(asked: string | undefined): string {
  if (asked === undefined) return demoModelFile;
  if (asked.startsWith("hf:")) {
    throw fail(
      "unsupported",
      "models cannot be downloaded yet",
      "Download the .gguf file from huggingface.co, then pass its path.",
    );
  }
  const path = resolve(asked);
  if (!/\.gguf$/i.test(path))
    throw fail(
      "invalid_input",
      `${path} is not a .gguf file`,
      "Models are single GGUF files, or the first part of a split one.",
    );
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isFile() !== true)
    throw fail("model_not_found", `there is no file ${path}`, "Pass the path of a .gguf file.");
  return path;
}
