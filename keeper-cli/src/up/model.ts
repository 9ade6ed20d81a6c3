import { statSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { fail } from "../failure.ts";

/** The demo model that comes with the project. */
export const demoModelFile = fileURLToPath(new URL("../../../models/bee-tiny/bee-tiny.f16.gguf", import.meta.url));

/** What to load: a file of this machine, or something for the hive to fetch first. */
export type UpModel =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "fetched"; readonly source: string };

/** What `--model` means. @throws RbeeError when there is no such file */
export function upModelOf(asked: string | undefined): UpModel {
  if (asked === undefined) return { kind: "file", path: demoModelFile };
  if (/^(hf|https?):/.test(asked)) return { kind: "fetched", source: asked };
  return { kind: "file", path: existingFile(asked) };
}

function existingFile(asked: string): string {
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
