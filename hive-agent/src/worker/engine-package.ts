import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";
import path from "node:path";
import { z } from "zod";

/** An engine for node-llama-cpp: the name under which it asks for it, and the folder where it is. */
export const EnginePackage = z.object({
  name: z.string().regex(/^@node-llama-cpp\/[a-z0-9-]+$/),
  folder: z.string(),
});
export type EnginePackage = z.infer<typeof EnginePackage>;

/** From now on this process finds the engine there, wherever it may also be installed. Call before node-llama-cpp is loaded. */
export function useEngine({ name, folder }: EnginePackage): void {
  const url = pathToFileURL(path.join(folder, "dist", "index.js")).href;
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === name ? { url, format: "module", shortCircuit: true } : next(specifier, context),
  });
}
