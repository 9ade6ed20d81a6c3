import { RbeeError } from "@rbee/contracts";
import { readFileSync } from "node:fs";
import path from "node:path";
import { foreignRoots, hfHome, hubCacheDir, type Root } from "./roots.ts";

/** Where this hive gets models from and what it may do for that: its owner's word, not the queen's. */
export interface ModelPolicy {
  readonly endpoint: URL;
  readonly token?: string | undefined;
  /** Fetch from private addresses too, and without TLS. */
  readonly allowPrivate: boolean;
  readonly hub_dir?: string;
  /** Folders of other programs. */
  readonly roots: readonly Root[];
  /** Of all downloads together; as fast as they come unless given. */
  readonly bytes_per_second?: number | undefined;
  /** A request may have a model fetched from the hub that no hive has. */
  readonly pull?: boolean;
}

const HUB_URL = "https://huggingface.co";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads HF_ENDPOINT, HF_TOKEN (or the file that `hf auth login` writes), HF_HOME, HF_HUB_CACHE, RBEE_ALLOW_PRIVATE_URLS=1
 * RBEE_PULL=1 and RBEE_DOWNLOAD_LIMIT (bytes a second; `20M` is 20 MiB). @throws RbeeError invalid_input
 */
export function policyFrom(env: Environment): ModelPolicy {
  const endpoint = URL.parse(env["HF_ENDPOINT"] || HUB_URL);
  if (endpoint === null || !/^https?:$/.test(endpoint.protocol))
    throw new RbeeError("invalid_input", "HF_ENDPOINT is not an http address");
  return {
    endpoint,
    token: tokenFrom(env),
    allowPrivate: env["RBEE_ALLOW_PRIVATE_URLS"] === "1",
    hub_dir: hubCacheDir(env),
    roots: foreignRoots(env),
    bytes_per_second: speedFrom(env["RBEE_DOWNLOAD_LIMIT"]),
    pull: env["RBEE_PULL"] === "1",
  };
}

/** Nobody else's models, and the hub's own address. */
export const plainPolicy: ModelPolicy = { endpoint: new URL(HUB_URL), allowPrivate: false, roots: [] };

function tokenFrom(env: Environment): string | undefined {
  const file = env["HF_TOKEN_PATH"] || path.join(hfHome(env), "token");
  const token = (env["HF_TOKEN"] || readIfThere(file)).trim();
  return /^[\x21-\x7e]{1,512}$/.test(token) ? token : undefined;
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function speedFrom(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  const [, digits, unit] = /^(\d{1,12})([KMG]?)$/i.exec(text) ?? [];
  const bytes = Number(digits) * 1024 ** ["", "K", "M", "G"].indexOf(unit?.toUpperCase() ?? "");
  if (digits === undefined || bytes <= 0)
    throw new RbeeError("invalid_input", `RBEE_DOWNLOAD_LIMIT is a number of bytes a second, as 500K or 20M`);
  return bytes;
}
