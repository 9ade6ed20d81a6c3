import { randomBytes } from "node:crypto";
import {
  lstat,
  link,
  mkdir,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  rmdir,
  symlink,
  writeFile,
} from "node:fs/promises";
import path from "node:path";
import { isSafePath, type HubFile, type HubPlan } from "./hub.ts";

/**
 * The cache that the tools of Hugging Face share: content in `blobs/<digest>`, a folder per commit in `snapshots` that links
 * to it, and what branches mean in `refs`.
 */
export class HubCache {
  readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
  }

  blob(repo: string, file: HubFile): string {
    return path.join(this.#folder(repo), "blobs", file.digest.hex);
  }

  snapshot({ repo, commit }: Pick<HubPlan, "repo" | "commit">, file: HubFile): string {
    if (!isSafePath(file.path) || !isSafePath(commit)) throw new Error("not a path inside the cache");
    return path.join(this.#folder(repo), "snapshots", commit, ...file.path.split("/"));
  }

  /** Makes the blobs of a plan the files of its commit, and its commit what the revision means. */
  async publish(plan: HubPlan): Promise<void> {
    for (const file of plan.files) await this.#linkFile(this.snapshot(plan, file), this.blob(plan.repo, file));
    if (plan.revision === plan.commit || !isSafePath(plan.revision)) return;
    const ref = path.join(this.#folder(plan.repo), "refs", ...plan.revision.split("/"));
    await mkdir(path.dirname(ref), { recursive: true });
    if ((await readFile(ref, "utf8").catch(() => "")) === plan.commit) return;
    await replace(ref, async (fresh) => writeFile(fresh, plan.commit));
  }

  async #linkFile(name: string, blob: string): Promise<void> {
    if ((await realpath(name).catch(() => undefined)) === (await realpath(blob))) return;
    await mkdir(path.dirname(name), { recursive: true });
    const target = path.relative(path.dirname(name), blob);
    // Not every system lets a user make symbolic links.
    await replace(name, async (fresh) => symlink(target, fresh).catch(async () => link(blob, fresh)));
  }

  /** Removes every name of a blob in its repository, and folders that are empty then. */
  async unlinkAll(blob: string): Promise<void> {
    const folder = path.dirname(path.dirname(blob));
    for (const name of await filesBelow(path.join(folder, "snapshots"))) {
      const target = await readlink(name).catch(() => undefined);
      const same =
        target === undefined ? await isSameFile(name, blob) : path.resolve(path.dirname(name), target) === blob;
      if (same) await rm(name, { force: true });
    }
    await rm(blob, { force: true });
    await prune(path.join(folder, "snapshots"));
    await prune(path.join(folder, "blobs"));
    // Branches of a repository of which nothing is left mean nothing.
    const left = await readdir(folder).catch((): string[] => []);
    if (!left.includes("snapshots") && !left.includes("blobs")) await rm(folder, { recursive: true, force: true });
  }

  #folder(repo: string): string {
    return path.join(this.dir, `models--${repo.replaceAll("/", "--")}`);
  }
}

/** Makes a file beside its place and moves it there: others see the old one or the new one, and never none. */
export async function replace(file: string, make: (fresh: string) => Promise<void>): Promise<void> {
  const fresh = `${file}.${randomBytes(6).toString("hex")}`;
  try {
    await make(fresh);
    await rename(fresh, file);
  } finally {
    // Moving one name of a file to another of its names does nothing, and leaves both.
    await rm(fresh, { force: true });
  }
}

async function isSameFile(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([one, other].map(async (file) => lstat(file).catch(() => undefined)));
  return a !== undefined && a.ino === b?.ino && a.dev === b.dev;
}

async function filesBelow(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true, recursive: true }).catch(() => []);
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => path.join(entry.parentPath, entry.name));
}

/** Removes empty folders, from the deepest up. */
async function prune(dir: string): Promise<void> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await prune(path.join(dir, entry.name));
  await rmdir(dir).catch(() => undefined);
}
