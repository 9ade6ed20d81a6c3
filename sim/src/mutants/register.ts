import { registerHooks } from "node:module";
import { changesOf, mutants, type Change } from "./mutants.ts";

const ROOT = new URL("../../../", import.meta.url);

/** Changes a mutant's places while their sources are loaded: the code itself knows nothing of it. */
export function registerMutant(id: string): void {
  const mutant = mutants.find((mutant) => mutant.id === id);
  if (mutant === undefined) throw new Error(`there is no mutant ${id}`);
  const changes = changesOf(mutant);
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      const here = changes.filter(({ file }) => url === new URL(file, ROOT).href);
      if (here.length === 0) return loaded;
      return { ...loaded, source: here.reduce(mutate, Buffer.from(loaded.source).toString()) };
    },
  });
}

/** @throws when the place is not there exactly once: mutants must not rot */
export function mutate(source: string, { file, original, mutated }: Change): string {
  const places = source.split(original).length - 1;
  if (places !== 1) throw new Error(`a mutant's place is ${places} times in ${file}, not once: ${original}`);
  return source.replace(original, () => mutated);
}
