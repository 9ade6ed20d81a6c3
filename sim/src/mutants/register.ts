import { registerHooks } from "node:module";
import { mutants, type Mutant } from "./mutants.ts";

const ROOT = new URL("../../../", import.meta.url);

/** Changes one place of one source while it is loaded: the code itself knows nothing of it. */
export function registerMutant(id: string): void {
  const mutant = mutants.find((mutant) => mutant.id === id);
  if (mutant === undefined) throw new Error(`there is no mutant ${id}`);
  const target = new URL(mutant.file, ROOT).href;
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      if (url !== target) return loaded;
      return { ...loaded, source: mutate(mutant, Buffer.from(loaded.source).toString()) };
    },
  });
}

/** @throws when the place is not there exactly once: mutants must not rot */
export function mutate({ id, file, original, mutated }: Mutant, source: string): string {
  const places = source.split(original).length - 1;
  if (places !== 1) throw new Error(`mutant ${id}: its place is ${places} times in ${file}, not once`);
  return source.replace(original, () => mutated);
}
