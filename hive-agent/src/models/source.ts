import { ModelId, RbeeError } from "@rbee/contracts";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** What a person wants fetched, taken apart. */
export type Source =
  | {
      readonly kind: "hub";
      readonly repo: string;
      readonly quant?: string;
      readonly file?: string;
      readonly revision?: string;
    }
  | { readonly kind: "url"; readonly url: URL }
  | { readonly kind: "file"; readonly path: string };

/**
 * Reads `org/repo`, `org/repo:QUANT`, `org/repo/file.gguf`, each also behind `hf:`, `https://…` and `file:…`. Addresses of
 * a file on the hub's own pages mean the file there. @throws RbeeError invalid_input
 */
export function parseSource(text: string, endpoint: URL): Source {
  if (/^https?:/i.test(text)) return webSource(text, endpoint);
  if (/^file:/i.test(text)) return { kind: "file", path: filePath(text) };
  const id = ModelId.safeParse(text.replace(/^hf:/, ""));
  const [name = "", quant] = id.success ? id.data.split(":") : [];
  const [org, repo, ...rest] = name.split("/");
  if (org === undefined || repo === undefined)
    throw new RbeeError(
      "invalid_input",
      `${JSON.stringify(text.slice(0, 256))} is no model to fetch: write org/repo, https://… or file:…`,
    );
  const file = rest.join("/");
  if (file !== "" && (!/\.gguf$/i.test(file) || quant !== undefined))
    throw new RbeeError(
      "invalid_input",
      `${JSON.stringify(text.slice(0, 256))}: what follows org/repo/ is a .gguf file`,
    );
  return {
    kind: "hub",
    repo: `${org}/${repo}`,
    ...(quant === undefined ? {} : { quant }),
    ...(file === "" ? {} : { file }),
  };
}

const HUB_FILE = /^\/(?<repo>[^/]+\/[^/]+)\/(?:resolve|blob|raw)\/(?<revision>[^/]+)\/(?<file>.+)$/;

function webSource(text: string, endpoint: URL): Source {
  const url = URL.parse(text);
  if (url === null || url.username !== "" || url.password !== "")
    throw new RbeeError("invalid_input", "that is no address, or one with a name and password in it");
  const on = url.origin === endpoint.origin ? HUB_FILE.exec(url.pathname)?.groups : undefined;
  const whole = `${on?.["repo"]}/${on?.["file"]}`;
  if (on !== undefined && ModelId.safeParse(whole).success && ModelId.safeParse(on["revision"]).success) {
    return { ...parseSource(whole, endpoint), revision: on["revision"] ?? "main" } as Source;
  }
  if (!/\.gguf$/i.test(url.pathname))
    throw new RbeeError("invalid_input", `${url.origin}…: the address of a .gguf file is needed`);
  return { kind: "url", url };
}

/** `file:/a/b.gguf`, `file:///a/b.gguf` */
function filePath(text: string): string {
  try {
    const file = fileURLToPath(new URL(text));
    if (path.isAbsolute(file) && !file.includes("\0")) return file;
  } catch {
    // Said below.
  }
  throw new RbeeError("invalid_input", "a file: address is absolute, and on the hive itself");
}
