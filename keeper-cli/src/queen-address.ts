import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { rbeeHome } from "./home.ts";
import { fail } from "./failure.ts";

export interface QueenAddress {
  readonly url: string;
  readonly key: string | undefined;
}

export interface AddressFlags {
  readonly url?: string | undefined;
  readonly key?: string | undefined;
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

/** Which queen a command talks to: the flags, else the environment, else the one that `rbee up` last started here. */
export function queenAddress(flags: AddressFlags, env: NodeJS.ProcessEnv = process.env): QueenAddress {
  if (isLocal(flags, env)) return localHive(env);
  const local = readLocal(rbeeHome(env));
  const url = flags.url || env["RBEE_URL"] || local?.url || DEFAULT_URL;
  if (!/^https?:\/\/./.test(url) || !URL.canParse(url)) {
    throw fail(
      "invalid_input",
      `${JSON.stringify(url)} is not the address of a queen`,
      "It looks like https://rbee.example.com.",
    );
  }
  // A local queen's key is no business of another queen.
  const localKey = local !== undefined && sameOrigin(local.url, url) ? local.key : undefined;
  return { url, key: flags.key || env["RBEE_API_KEY"] || localKey };
}

/** The local server of an agent on this machine. Its key is in a file that only its owner can read. */
function localHive(env: NodeJS.ProcessEnv): QueenAddress {
  const homes = [join(rbeeHome(env), "hive"), join(homedir(), ".rbee", "hive")];
  for (const home of homes) {
    const { url, key } = readJson(join(home, "local.json"));
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
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const file = fileIn(home);
  const text = JSON.stringify({ queen_url: address.url, api_key: address.key });
  writeFileSync(`${file}.new`, `${text}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

const fileIn = (home: string): string => join(home, "queen.json");

const sameOrigin = (a: string, b: string): boolean => URL.canParse(a) && new URL(a).origin === new URL(b).origin;

function readLocal(home: string): { url: string; key: string } | undefined {
  const { queen_url, api_key } = readJson(fileIn(home));
  return typeof queen_url === "string" && typeof api_key === "string" ? { url: queen_url, key: api_key } : undefined;
}

/** The fields of a file; none when nothing has run here yet. */
function readJson(file: string): Partial<Record<string, unknown>> {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  } catch {
    return {};
  }
}
