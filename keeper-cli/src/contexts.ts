import { join } from "node:path";
import { z } from "zod";
import { fail } from "./failure.ts";
import { readFields, writePrivate } from "./private-file.ts";

/** A queen that somebody logged in to. */
const Context = z.object({ url: z.url({ protocol: /^https?$/ }), key: z.string() });
export type Context = z.infer<typeof Context>;

const Contexts = z.object({
  current: z.string().optional(),
  contexts: z.record(z.string(), Context).default({}),
});
type Contexts = z.infer<typeof Contexts>;

const CONTEXTS_MAX = 100;
const fileIn = (home: string): string => join(home, "contexts.json");

/** The queens that this person knows, by name. Keys are in the file: only its owner can read it. */
export function readContexts(home: string): Contexts {
  return Contexts.safeParse(readFields(fileIn(home))).data ?? { contexts: {} };
}

/** Adds a queen, or what changed about it, and talks to it from now on. @throws RbeeError */
export function saveContext(home: string, name: string, context: Context): void {
  const { contexts } = readContexts(home);
  if (!/^[a-z0-9][a-z0-9.-]{0,62}$/.test(name))
    throw fail(
      "invalid_input",
      `${JSON.stringify(name)} is not a name for a context`,
      "Lower-case letters, digits, dots and dashes.",
    );
  if (!(name in contexts) && Object.keys(contexts).length >= CONTEXTS_MAX)
    throw fail("invalid_input", `there are ${CONTEXTS_MAX} contexts already`, "`rbee context rm` removes one.");
  writePrivate(fileIn(home), { current: name, contexts: { ...contexts, [name]: context } });
}

/** @throws RbeeError */
export function useContext(home: string, name: string): Context {
  const known = readContexts(home);
  const context = contextNamed(known, name);
  writePrivate(fileIn(home), { ...known, current: name });
  return context;
}

/** Forgets a queen and her key. @throws RbeeError */
export function removeContext(home: string, name: string): void {
  const known = readContexts(home);
  contextNamed(known, name);
  const { [name]: _gone, ...contexts } = known.contexts;
  writePrivate(fileIn(home), { ...(known.current === name ? {} : { current: known.current }), contexts });
}

/** @throws RbeeError */
export function contextNamed({ contexts }: Contexts, name: string): Context {
  const context = Object.hasOwn(contexts, name) ? contexts[name] : undefined;
  if (context !== undefined) return context;
  const names = Object.keys(contexts).sort().join(", ");
  throw fail(
    "not_found",
    `there is no context ${JSON.stringify(name)}${names === "" ? "" : `; there are ${names}`}`,
    "`rbee login` makes one.",
  );
}
