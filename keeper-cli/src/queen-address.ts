import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
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
}

const DEFAULT_URL = "http://127.0.0.1:7833";

/** Which queen a command talks to: the flags, else the environment, else the one that `rbee up` last started here. */
export function queenAddress(flags: AddressFlags, env: NodeJS.ProcessEnv = process.env): QueenAddress {
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
  try {
    const { queen_url, api_key } = JSON.parse(readFileSync(fileIn(home), "utf8")) as Record<string, unknown>;
    return typeof queen_url === "string" && typeof api_key === "string" ? { url: queen_url, key: api_key } : undefined;
  } catch {
    // No `rbee up` has run here yet.
    return undefined;
  }
}
