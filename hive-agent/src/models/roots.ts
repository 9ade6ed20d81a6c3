import { homedir } from "node:os";
import path from "node:path";

/**
 * Where models are. `folder`: any `*.gguf` below; `hub`: the cache of Hugging Face's tools; `publisher`: `org/repo/file`,
 * as LM Studio has it; `ollama`: manifests and blobs; `file`: just this one.
 */
export interface Root {
  readonly kind: "folder" | "hub" | "publisher" | "ollama" | "file";
  readonly dir: string;
  /** Whose models these are, if not ours: they are used, and never removed. */
  readonly owner?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The hub cache that all tools of this user share. */
export function hubCacheDir(env: Environment, home: string = homedir()): string {
  if (given(env["HF_HUB_CACHE"])) return env["HF_HUB_CACHE"];
  return path.join(hfHome(env, home), "hub");
}

export const hfHome = (env: Environment, home: string = homedir()): string =>
  given(env["HF_HOME"])
    ? env["HF_HOME"]
    : path.join(given(env["XDG_CACHE_HOME"]) ? env["XDG_CACHE_HOME"] : path.join(home, ".cache"), "huggingface");

/** Folders in which other programs of this machine keep models. */
export function foreignRoots(env: Environment, home: string = homedir()): Root[] {
  const cache = given(env["XDG_CACHE_HOME"]) ? env["XDG_CACHE_HOME"] : path.join(home, ".cache");
  const ollama = given(env["OLLAMA_MODELS"]) ? env["OLLAMA_MODELS"] : path.join(home, ".ollama", "models");
  return [
    { kind: "publisher", dir: path.join(home, ".lmstudio", "models"), owner: "LM Studio" },
    { kind: "publisher", dir: path.join(cache, "lm-studio", "models"), owner: "LM Studio" },
    {
      kind: "folder",
      dir: given(env["LLAMA_CACHE"]) ? env["LLAMA_CACHE"] : path.join(cache, "llama.cpp"),
      owner: "llama.cpp",
    },
    { kind: "folder", dir: path.join(home, ".node-llama-cpp", "models"), owner: "node-llama-cpp" },
    { kind: "ollama", dir: ollama, owner: "Ollama" },
    { kind: "ollama", dir: "/usr/share/ollama/.ollama/models", owner: "Ollama" },
  ];
}

const given = (value: string | undefined): value is string => value !== undefined && value !== "";
