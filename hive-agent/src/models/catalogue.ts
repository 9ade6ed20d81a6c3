import { limits, ModelId, RbeeError, type ModelInfo, type OperationResult } from "@rbee/contracts";
import { readdir, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { modelDigest } from "./digest.ts";
import { preambleProblem, readHeader, type ModelHeader } from "./gguf.ts";
import { namesModel, quantRank, readFileName } from "./names.ts";

export type ModelDetails = OperationResult<"model_get">["model"];

/** A model that can be given to an engine. */
export interface ModelFile {
  readonly id: string;
  /** The file to open; of a split model the first. */
  readonly path: string;
  readonly size_bytes: number;
  readonly header: ModelHeader;
}

export interface CatalogueOptions {
  /** Folders that are searched for `*.gguf`. */
  readonly dirs: readonly string[];
  /** Single files outside of them. */
  readonly files?: readonly string[];
}

interface FoundFile {
  readonly path: string;
  readonly name: string;
  readonly size: number;
  readonly mtimeMs: number;
}

interface Model {
  readonly id: string;
  readonly base: string;
  readonly quant: string | undefined;
  readonly parts: number;
  readonly files: FoundFile[];
}

/**
 * The models on this machine's disk.
 *
 * Ids come from file names: `bee-tiny.f16.gguf` is `bee-tiny`; `bee-tiny:f16` names that quantisation. With several
 * quantisations of a model the preferred one has the plain id and the others `name:quant`. Of two files with the same
 * id the first found counts. An id is only ever compared with what was found: it is never made into a path.
 */
export class ModelCatalogue {
  readonly #options: CatalogueOptions;
  /** What was read from a file, valid while its size and time stay the same. */
  readonly #problems = new Map<string, { stamp: string; problem: string | undefined }>();
  readonly #digests = new Map<string, { stamp: string; digest: string | undefined }>();
  readonly #headers = new Map<string, { stamp: string; header: ModelHeader }>();

  constructor(options: CatalogueOptions) {
    this.#options = options;
  }

  /** `loaded` is for whoever knows the workers to say. */
  async list(): Promise<Omit<ModelInfo, "loaded">[]> {
    const models = await this.#scan();
    return await Promise.all(models.map(async (model) => this.#info(model)));
  }

  /** @throws RbeeError model_not_found. A damaged file is no error here: `problem` says what is wrong with it. */
  async get(id: string): Promise<Omit<ModelDetails, "loaded">> {
    const model = await this.#find(id);
    const info = await this.#info(model);
    const files = model.files.map(({ path, size }) => ({ path, size_bytes: size }));
    const base = { ...info, ...(model.quant === undefined ? {} : { quantization: model.quant }), files };
    try {
      const { size_bytes, header } = await this.resolve(id);
      const { architecture, parameters, context, chat_template, licence } = header;
      return {
        ...base,
        size_bytes,
        parameters,
        chat_template,
        ...(architecture === undefined ? {} : { architecture }),
        ...(context === undefined ? {} : { context }),
        ...(licence === undefined ? {} : { licence }),
      };
    } catch (error) {
      if (!(error instanceof RbeeError)) throw error;
      return { ...base, status: info.status === "partial" ? "partial" : "invalid", problem: error.message };
    }
  }

  /** The model as an engine needs it, its header checked. @throws RbeeError model_not_found, model_invalid */
  async resolve(id: string): Promise<ModelFile> {
    const model = await this.#find(id);
    const [first] = model.files;
    if (first === undefined || model.files.length < model.parts) {
      throw new RbeeError("model_invalid", `${model.id}: ${model.files.length} of ${model.parts} files are there`);
    }
    const problem = await this.#problem(first);
    if (problem !== undefined) throw new RbeeError("model_invalid", `${model.id}: ${problem}`);
    return { id: model.id, path: first.path, size_bytes: sizeOf(model), header: await this.#header(first) };
  }

  async #info(model: Model): Promise<Omit<ModelInfo, "loaded">> {
    const problems = await Promise.all(model.files.map(async (file) => this.#problem(file)));
    const invalid = problems.some((problem) => problem !== undefined);
    const status = invalid ? "invalid" : model.files.length < model.parts ? "partial" : "ready";
    const digest = status === "ready" ? await this.#digest(model) : undefined;
    const name = path.basename(model.files[0]?.name ?? model.id);
    return { id: model.id, name, size_bytes: sizeOf(model), status, ...(digest === undefined ? {} : { digest }) };
  }

  async #digest({ id, files }: Model): Promise<string | undefined> {
    const stamp = files.map(stampOf).join();
    const known = this.#digests.get(id);
    if (known?.stamp === stamp) return known.digest;
    const digest = await modelDigest(files).catch(() => undefined);
    remember(this.#digests, id, { stamp, digest });
    return digest;
  }

  async #find(id: string): Promise<Model> {
    const models = await this.#scan();
    const model =
      models.find((one) => one.id === id) ??
      models
        .filter((one) => namesModel(id, one))
        .toSorted((one, other) => quantRank(one.quant) - quantRank(other.quant))[0];
    if (model !== undefined) return model;
    const IDS_SHOWN = 20;
    const there = models.slice(0, IDS_SHOWN).map((one) => one.id);
    const said = there.length === 0 ? "this hive has no models" : `this hive has ${there.join(", ")}`;
    throw new RbeeError("model_not_found", `no model ${JSON.stringify(id.slice(0, 256))}; ${said}`);
  }

  async #scan(): Promise<Model[]> {
    const found: FoundFile[] = [];
    for (const dir of this.#options.dirs) await collect(dir, found);
    for (const file of this.#options.files ?? []) await addFile({ root: path.dirname(file), file }, found);
    return named(found);
  }

  async #problem(file: FoundFile): Promise<string | undefined> {
    const known = this.#problems.get(file.path);
    if (known?.stamp === stampOf(file)) return known.problem;
    const problem = await preambleProblem(file.path).catch(() => "it cannot be read");
    remember(this.#problems, file.path, { stamp: stampOf(file), problem });
    return problem;
  }

  async #header(file: FoundFile): Promise<ModelHeader> {
    const known = this.#headers.get(file.path);
    if (known?.stamp === stampOf(file)) return known.header;
    const header = await readHeader(file.path, file.size);
    remember(this.#headers, file.path, { stamp: stampOf(file), header });
    return header;
  }
}

const stampOf = ({ size, mtimeMs }: FoundFile): string => `${size}:${mtimeMs}`;
const sizeOf = ({ files }: Model): number => files.reduce((sum, { size }) => sum + size, 0);

function remember<V>(cache: Map<string, V>, key: string, value: V): void {
  const [oldest] = cache.keys();
  if (cache.size >= limits.models_max && !cache.has(key) && oldest !== undefined) cache.delete(oldest);
  cache.set(key, value);
}

/** Walks a folder; one that is missing or closed to us has no models. */
async function collect(root: string, found: FoundFile[]): Promise<void> {
  const realRoot = await realpath(root).catch(() => undefined);
  if (realRoot === undefined) return;
  let folders = [realRoot];
  for (let depth = 0; depth <= limits.model_folder_depth_max && folders.length > 0; depth += 1) {
    const deeper: string[] = [];
    for (const folder of folders) {
      const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
      for (const entry of entries.toSorted((one, other) => (one.name < other.name ? -1 : 1))) {
        if (found.length >= limits.models_max) return;
        const file = path.join(folder, entry.name);
        if (entry.isDirectory()) deeper.push(file);
        else if (/\.gguf$/i.test(entry.name)) await addFile({ root: realRoot, file }, found);
      }
    }
    folders = deeper;
  }
}

/** A link may lead elsewhere inside its folder, but not out of it. */
async function addFile({ root, file }: { root: string; file: string }, found: FoundFile[]): Promise<void> {
  const real = await realpath(file).catch(() => undefined);
  const realRoot = await realpath(root).catch(() => undefined);
  if (real === undefined || realRoot === undefined || !real.startsWith(realRoot + path.sep)) return;
  const stats = await stat(real).catch(() => undefined);
  if (stats?.isFile() !== true) return;
  found.push({ path: real, name: path.basename(file), size: stats.size, mtimeMs: stats.mtimeMs });
}

function named(found: readonly FoundFile[]): Model[] {
  const models = new Map<string, Model & { firstParts: Set<number> }>();
  for (const file of found) {
    const name = readFileName(file.name);
    if (name === undefined) continue;
    const key = `${name.base}:${(name.quant ?? "").toUpperCase()}:${name.parts}`;
    const model = models.get(key) ?? { ...name, id: name.base, files: [], firstParts: new Set() };
    models.set(key, model);
    if (model.firstParts.has(name.part)) continue;
    model.firstParts.add(name.part);
    model.files.push(file);
  }
  const taken = new Set<string>();
  return [...models.values()]
    .toSorted((one, other) => quantRank(one.quant) - quantRank(other.quant))
    .flatMap(({ base, quant, parts, files }) => {
      const id = [base, ...(quant === undefined ? [] : [`${base}:${quant}`])].find(
        (one) => !taken.has(one) && ModelId.safeParse(one).success,
      );
      if (id === undefined) return [];
      taken.add(id);
      return [{ id, base, quant, parts, files: files.toSorted((one, other) => (one.name < other.name ? -1 : 1)) }];
    })
    .toSorted((one, other) => (one.id < other.id ? -1 : 1));
}
