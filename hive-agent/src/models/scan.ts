import { limits, ModelId, readFileName, type FileName } from "@rbee/contracts";
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import type { Root } from "./roots.ts";

/** A model file on disk, and what it is to be called. */
export interface FoundFile extends FileName {
  /** With all links followed. */
  readonly path: string;
  /** As it was found. */
  readonly link: string;
  /** The file name people know. */
  readonly name: string;
  readonly size: number;
  readonly mtimeMs: number;
  readonly root: Root;
  /** `org/repo` of a file that has one; its ids are made of that. */
  readonly repo: string | undefined;
  /** Tells files of one model in different quantisations or folders apart. */
  readonly place: string;
}

interface Seen {
  readonly file: string;
  readonly name?: FileName;
  readonly repo?: string | undefined;
  /** Inside the repository or folder. */
  readonly inside?: string;
}

/** Looks through all roots; one that is missing or closed to us has no models. At most `models_max` files. */
export async function scan(roots: readonly Root[]): Promise<FoundFile[]> {
  const found = new Map<string, FoundFile>();
  for (const root of roots) {
    const dir = root.kind === "file" ? path.dirname(root.dir) : root.dir;
    const realRoot = await realpath(dir).catch(() => undefined);
    if (realRoot === undefined) continue;
    for await (const seen of walks[root.kind](root.kind === "file" ? root.dir : realRoot)) {
      if (found.size >= limits.models_max) return [...found.values()];
      const file = await look(seen, root, realRoot);
      if (file !== undefined && !found.has(file.link)) found.set(file.link, file);
    }
  }
  return [...found.values()];
}

/** A link may lead elsewhere inside its root, but not out of it. */
async function look(seen: Seen, root: Root, realRoot: string): Promise<FoundFile | undefined> {
  const base = path.basename(seen.file);
  const name = seen.name ?? readFileName(base);
  const real = await realpath(seen.file).catch(() => undefined);
  if (name === undefined || real === undefined || !real.startsWith(realRoot + path.sep)) return undefined;
  const stats = await stat(real).catch(() => undefined);
  if (stats?.isFile() !== true) return undefined;
  const { size, mtimeMs } = stats;
  const place = seen.repo === undefined ? path.dirname(seen.file) : path.posix.dirname(seen.inside ?? base);
  return { ...name, path: real, link: seen.file, name: base, size, mtimeMs, root, repo: seen.repo, place };
}

const walks: Readonly<Record<Root["kind"], (dir: string) => AsyncGenerator<Seen, void, void>>> = {
  folder: async function* (dir) {
    for await (const file of ggufBelow(dir, limits.model_folder_depth_max)) yield { file };
  },
  file: async function* (file) {
    yield { file };
  },
  hub: async function* (dir) {
    for (const folder of await names(dir)) {
      const repo = repoOfFolder(folder);
      if (repo === undefined) continue;
      for (const commit of await commitsOf(path.join(dir, folder))) {
        const snapshot = path.join(dir, folder, "snapshots", commit);
        for await (const file of ggufBelow(snapshot, limits.model_folder_depth_max)) {
          yield { file, repo, inside: path.relative(snapshot, file).split(path.sep).join("/") };
        }
      }
    }
  },
  publisher: async function* (dir) {
    for (const org of await names(dir)) {
      for (const name of await names(path.join(dir, org))) {
        const folder = path.join(dir, org, name);
        const repo = ModelId.safeParse(`${org}/${name}`).success ? `${org}/${name}` : undefined;
        for await (const file of ggufBelow(folder, 1)) yield { file, repo, inside: path.basename(file) };
      }
    }
  },
  ollama: async function* (dir) {
    const manifests = path.join(dir, "manifests");
    for (const host of await names(manifests)) {
      for (const space of await names(path.join(manifests, host))) {
        for (const name of await names(path.join(manifests, host, space))) {
          for (const tag of await names(path.join(manifests, host, space, name))) {
            const blob = await ollamaBlob(path.join(manifests, host, space, name, tag));
            const base = space === "library" ? name : `${space}/${name}`;
            if (blob === undefined || !ModelId.safeParse(`${base}:${tag}`).success) continue;
            yield { file: path.join(dir, "blobs", blob), name: { base, quant: tag, part: 1, parts: 1 } };
          }
        }
      }
    }
  },
};

/** Breadth first, by name: the same disk gives the same order. */
async function* ggufBelow(root: string, depth: number): AsyncGenerator<string, void, void> {
  let folders = [root];
  for (let level = 0; level <= depth && folders.length > 0; level += 1) {
    const deeper: string[] = [];
    for (const folder of folders) {
      const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
      for (const entry of entries.toSorted((one, other) => (one.name < other.name ? -1 : 1))) {
        const file = path.join(folder, entry.name);
        if (entry.isDirectory()) deeper.push(file);
        else if (/\.gguf$/i.test(entry.name)) yield file;
      }
    }
    folders = deeper;
  }
}

async function names(dir: string): Promise<string[]> {
  const entries = await readdir(dir).catch(() => []);
  return entries.filter((name) => !name.startsWith(".")).toSorted();
}

/** `models--org--name` */
function repoOfFolder(folder: string): string | undefined {
  const [kind, org, ...name] = folder.split("--");
  const repo = name.length === 0 ? org : `${org}/${name.join("--")}`;
  return kind === "models" && repo !== undefined && ModelId.safeParse(repo).success ? repo : undefined;
}

/** Snapshots of a repository: what `main` means first, so that it counts where two have the same file. */
async function commitsOf(folder: string): Promise<string[]> {
  const main = await readFile(path.join(folder, "refs", "main"), "utf8").catch(() => "");
  const commits = await names(path.join(folder, "snapshots"));
  return commits.toSorted((one, other) => Number(other === main.trim()) - Number(one === main.trim()));
}

const MANIFEST_BYTES_MAX = 65_536;
const Manifest = z.object({ layers: z.array(z.object({ mediaType: z.string(), digest: z.string() })).max(64) });

/** The file name of the weights that an Ollama manifest names. */
async function ollamaBlob(manifest: string): Promise<string | undefined> {
  try {
    if ((await stat(manifest)).size > MANIFEST_BYTES_MAX) return undefined;
    const { layers } = Manifest.parse(JSON.parse(await readFile(manifest, "utf8")));
    const digest = layers.find(({ mediaType }) => mediaType === "application/vnd.ollama.image.model")?.digest;
    return digest !== undefined && /^sha256:[0-9a-f]{64}$/.test(digest) ? digest.replace(":", "-") : undefined;
  } catch {
    return undefined;
  }
}
