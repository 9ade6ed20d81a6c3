import { homedir } from "node:os";
import { join } from "node:path";
import { contextNamed, readContexts, type Context } from "./contexts.ts";
import { fail } from "./failure.ts";
import { rbeeHome } from "./home.ts";
import { readFields, writePrivate } from "./private-file.ts";

export interface QueenAddress {
  readonly url: string;
  readonly key: string | undefined;
}

export interface AddressFlags {
  readonly url?: string | undefined;
  readonly key?: string | undefined;
  /** A queen that somebody logged in to. */
  readonly context?: string | undefined;
  /** A hive by name, or `local`. */
  readonly hive?: string | undefined;
}

/** What `--hive` calls the hive of this machine, asked directly. */
export const LOCAL = "local";

/** Whether a command talks to this machine's own hive instead of a queen. */
export const isLocal = (flags: AddressFlags, env: NodeJS.ProcessEnv = process.env): boolean =>
  (flags.hive ?? env["RBEE_HIVE"]) === LOCAL;

/** The hive that a command means by name, if any. */
export function namedHive(flags: AddressFlags, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const hive = flags.hive ?? env["RBEE_HIVE"];
  return hive === LOCAL || hive === "" ? undefined : hive;
}

const DEFAULT_URL = "http://127.0.0.1:7833";

/**
 * Which queen a command talks to: the flags, else the environment, else the context in use, else the queen that `rbee up`
 * last started here.
 */
export function queenAddress(flags: AddressFlags, env: NodeJS.ProcessEnv = process.env): QueenAddress {
  if (isLocal(flags, env)) return localHive(env);
  const home = rbeeHome(env);
  const chosen = flags.context === undefined ? undefined : contextNamed(readContexts(home), flags.context);
  const known = [chosen, currentContext(home), readLocal(home)].filter((one) => one !== undefined);
  const url = flags.url || chosen?.url || env["RBEE_URL"] || known[0]?.url || DEFAULT_URL;
  if (!/^https?:\/\/./.test(url) || !URL.canParse(url)) {
    throw fail(
      "invalid_input",
      `${JSON.stringify(url)} is not the address of a queen`,
      "It looks like https://rbee.example.com.",
    );
  }
  // A queen's key is no business of another queen.
  const keyOf = (queens: readonly Context[]) => queens.find((one) => sameOrigin(one.url, url))?.key;
  const chosenKey = chosen === undefined ? undefined : keyOf([chosen]);
  return { url, key: flags.key || chosenKey || env["RBEE_API_KEY"] || keyOf(known) };
}

function currentContext(home: string): Context | undefined {
  const { current, contexts } = readContexts(home);
  return current !== undefined && Object.hasOwn(contexts, current) ? contexts[current] : undefined;
}

/** The local server of an agent on this machine. Its key is in a file that only its owner can read. */
function localHive(env: NodeJS.ProcessEnv): QueenAddress {
  const homes = [join(rbeeHome(env), "hive"), join(homedir(), ".rbee", "hive")];
  for (const home of homes) {
    const { url, key } = readFields(join(home, "local.json"));
    if (typeof url === "string" && typeof key === "string") return { url, key };
  }
  throw fail(
    "unavailable",
    `no hive of this machine can be asked: there is no address in ${homes.join(" or ")}`,
    "Start one: `rbee up`, or the agent by itself. Its log says if its port is taken.",
  );
}

/** Tells later commands where the local queen is. The key is a password: nobody else may read the file. */
export function rememberQueen(home: string, address: { readonly url: string; readonly key: string }): void {
  writePrivate(fileIn(home), { queen_url: address.url, api_key: address.key });
}

const fileIn = (home: string): string => join(home, "queen.json");

const sameOrigin = (a: string, b: string): boolean => URL.canParse(a) && new URL(a).origin === new URL(b).origin;

function readLocal(home: string): { url: string; key: string } | undefined {
  const { queen_url, api_key } = readFields(fileIn(home));
  return typeof queen_url === "string" && typeof api_key === "string" ? { url: queen_url, key: api_key } : undefined;
}
