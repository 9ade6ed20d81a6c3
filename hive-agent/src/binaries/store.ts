import { RbeeError, WorkerType } from "@rbee/contracts";
import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import type { DeviceKind } from "../devices/devices.ts";
import type { EnginePackage } from "../worker/engine-package.ts";
import { bundledSource, engineOf, engineVersion, installedPackage, kindOf, packageFor } from "./packages.ts";

/** What is written down about an engine, beside it. */
const Manifest = z.object({
  worker_type: WorkerType,
  version: z.string(),
  size_bytes: z.int().nonnegative(),
  sha256: z.string().optional(),
  /** What a built engine computes on. */
  backend: z.enum(["cpu", "cuda", "vulkan", "metal"]).optional(),
});
export type Manifest = z.infer<typeof Manifest>;

export interface InstalledEngine extends Manifest {
  /** The folder of a package, or a program. */
  readonly path: string;
  readonly bundled: boolean;
}

const PROGRAM = process.platform === "win32" ? "llama-server.exe" : "llama-server";

/** The engines of one hive: `<home>/binaries/<type>-<version>`, and those that npm installed with the agent. */
export class EngineStore {
  readonly folder: string;
  readonly #bundled: boolean;

  /** @param options.bundled false: only what is in the home counts */
  constructor(home: string, options: { bundled?: boolean } = {}) {
    this.folder = path.join(home, "binaries");
    // One agent per home: whatever is being put together now was left by one that died.
    const left = existsSync(this.folder) ? readdirSync(this.folder).filter((name) => name.startsWith(".new-")) : [];
    for (const name of left) rmSync(path.join(this.folder, name), { recursive: true, force: true });
    this.#bundled = options.bundled ?? true;
  }

  /** The engine of this type that fits this agent. One in the home comes before one that npm installed. */
  find(type: WorkerType): InstalledEngine | undefined {
    const kind = kindOf(type);
    const version = kind === undefined ? bundledSource()?.version : engineVersion();
    const own = this.#own().find((engine) => engine.worker_type === type && engine.version === version);
    return own ?? (kind === undefined ? undefined : this.#fromNpm(kind));
  }

  /** The package that node-llama-cpp is to load for this kind of device. */
  packageOf(kind: DeviceKind): EnginePackage | undefined {
    const name = packageFor(kind);
    const folder = this.find(engineOf[kind])?.path;
    return name === undefined || folder === undefined ? undefined : { name, folder };
  }

  has(kind: DeviceKind): boolean {
    return this.packageOf(kind) !== undefined;
  }

  /** Everything there is, also of other versions. */
  async list(): Promise<InstalledEngine[]> {
    const bundled = Object.keys(engineOf).flatMap((kind) => this.#fromNpm(kind as DeviceKind) ?? []);
    const sized = bundled.map(async (engine) => ({ ...engine, size_bytes: await sizeOf(engine.path) }));
    return [...this.#own(), ...(await Promise.all(sized))];
  }

  /** A folder of its own to put an engine together in. */
  async stage(): Promise<string> {
    const folder = path.join(this.folder, `.new-${randomUUID()}`);
    await mkdir(path.join(folder, "content"), { recursive: true, mode: 0o700 });
    return folder;
  }

  /** Puts a staged engine in its place, all of it at once. [WORK-7] */
  async publish(staged: string, manifest: Omit<Manifest, "size_bytes">): Promise<InstalledEngine> {
    const { worker_type, version } = manifest;
    const size_bytes = await sizeOf(path.join(staged, "content"));
    await writeFile(path.join(staged, "manifest.json"), JSON.stringify({ ...manifest, size_bytes }));
    const place = path.join(this.folder, `${worker_type}-${version}`);
    await rm(place, { recursive: true, force: true });
    await rename(staged, place);
    const engine = this.find(worker_type);
    if (engine === undefined) throw new RbeeError("internal", `${worker_type} ${version} does not fit this agent`);
    return engine;
  }

  async remove({ worker_type, version }: InstalledEngine): Promise<void> {
    // Out of sight first: half a folder must never look like an engine.
    const gone = path.join(this.folder, `.new-${randomUUID()}`);
    await rename(path.join(this.folder, `${worker_type}-${version}`), gone);
    await rm(gone, { recursive: true, force: true });
  }

  #own(): InstalledEngine[] {
    const names = existsSync(this.folder) ? readdirSync(this.folder).filter((name) => !name.startsWith(".")) : [];
    return names.toSorted().flatMap((name) => {
      const manifest = readManifest(path.join(this.folder, name));
      if (manifest === undefined || name !== `${manifest.worker_type}-${manifest.version}`) return [];
      const content = path.join(this.folder, name, "content");
      const place = kindOf(manifest.worker_type) === undefined ? path.join(content, PROGRAM) : content;
      return [{ ...manifest, path: place, bundled: false }];
    });
  }

  #fromNpm(kind: DeviceKind): InstalledEngine | undefined {
    const name = this.#bundled ? packageFor(kind) : undefined;
    const found = name === undefined ? undefined : installedPackage(name);
    if (found === undefined) return undefined;
    const { folder, version } = found;
    return { worker_type: engineOf[kind], version, size_bytes: 0, path: folder, bundled: true };
  }
}

function readManifest(folder: string): Manifest | undefined {
  try {
    return Manifest.parse(JSON.parse(readFileSync(path.join(folder, "manifest.json"), "utf8")));
  } catch {
    return undefined;
  }
}

async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map(async (entry) => (await stat(path.join(entry.parentPath, entry.name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
