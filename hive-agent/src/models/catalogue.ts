import { limits, RbeeError, type ModelInfo, type OperationResult } from "@rbee/contracts";
import { realpath, stat } from "node:fs/promises";
import path from "node:path";
import { NodeSql } from "../storage/node-sql.ts";
import { modelDigest } from "./digest.ts";
import { doneOf } from "./download/row-progress.ts";
import { hashFile } from "./download/verify.ts";
import { preambleProblem, type ModelHeader } from "./gguf.ts";
import { GgufReader, type HeaderAnswer } from "./gguf-reader.ts";
import { ModelRows, type DownloadRow } from "./model-rows.ts";
import { findModel, nameModels, type Model } from "./naming.ts";
import type { Root } from "./roots.ts";
import { scan, type FoundFile } from "./scan.ts";

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
  /** The hub's cache, and folders of other programs. */
  readonly roots?: readonly Root[];
  /** What was learnt is kept here; in memory if not given. */
  readonly rows?: ModelRows;
}

type Info = Omit<ModelInfo, "loaded">;

/** The models on this machine's disk. An id is only ever compared with what was found: it is never made into a path. [MODEL-6] */
export class ModelCatalogue {
  readonly #roots: readonly Root[];
  readonly rows: ModelRows;
  readonly #reader = new GgufReader();

  constructor({ dirs, files = [], roots = [], rows }: CatalogueOptions) {
    this.#roots = [
      ...dirs.map((dir): Root => ({ kind: "folder", dir })),
      ...files.map((dir): Root => ({ kind: "file", dir, owner: "whoever named it when the agent was started" })),
      ...roots,
    ];
    this.rows = rows ?? new ModelRows(new NodeSql(":memory:"));
  }

  /** `loaded` is for whoever knows the workers to say. */
  async list(): Promise<Info[]> {
    const models = await this.models();
    const whole = await Promise.all(models.map(async (model) => this.#info(model)));
    const ready = new Set(whole.filter(({ status }) => status === "ready").map(({ id }) => id));
    const fetched = await Promise.all(
      this.rows.downloads().map(async (row) => (ready.has(row.id) ? undefined : partialInfo(row))),
    );
    const partial = fetched.filter((info) => info !== undefined);
    const replaced = new Set(partial.map(({ id }) => id));
    return [...whole.filter(({ id }) => !replaced.has(id)), ...partial].slice(0, limits.models_max);
  }

  /** @throws RbeeError model_not_found. A damaged file is no error here: `problem` says what is wrong with it. */
  async get(id: string): Promise<Omit<ModelDetails, "loaded">> {
    const models = await this.models();
    const model = findModel(models, id);
    const row = this.rows.downloads().find((one) => one.id === (model?.id ?? id));
    if (model === undefined && row !== undefined) return await partialInfo(row);
    if (model === undefined) throw notThere(id, models);
    const info =
      row === undefined || model.files.length === model.parts ? await this.#info(model) : await partialInfo(row);
    const files = await Promise.all(model.files.map(async (file) => this.#described(file)));
    const [only] = files;
    const base = {
      ...info,
      ...(model.quant === undefined ? {} : { quantization: model.quant }),
      files,
      ...(model.parts === 1 && only?.sha256 !== undefined ? { sha256: only.sha256 } : {}),
    };
    try {
      const { size_bytes, header } = await this.#open(model);
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
    return await this.#open(await this.find(id));
  }

  /** @throws RbeeError model_not_found, which names what there is */
  async find(id: string): Promise<Model> {
    const models = await this.models();
    const model = findModel(models, id);
    if (model === undefined) throw notThere(id, models);
    return model;
  }

  async models(): Promise<Model[]> {
    return nameModels(await scan(this.#roots));
  }

  /** A file on this disk with these very bytes, whoever put it there and whatever it is called. */
  async findBytes(size: number, sha256: string, signal: AbortSignal): Promise<string | undefined> {
    const candidates = (await scan(this.#roots)).filter((file) => file.size === size);
    for (const file of candidates) {
      // What a name says was true when the file got it; here the bytes count.
      const known = this.#fact<string>(file, "sha256") ?? (await this.#hash(file, signal));
      if (known === sha256) return file.path;
    }
    return undefined;
  }

  /** What a download computed of a file that has its name now. */
  async learnSha256(file: string, sha256: string): Promise<void> {
    const real = await realpath(file);
    this.rows.learn(real, "sha256", { stamp: stampOf(await stat(real)), value: sha256 });
  }

  async #open(model: Model): Promise<ModelFile> {
    const [first] = model.files;
    if (first === undefined || model.files.length < model.parts) {
      throw new RbeeError("model_invalid", `${model.id}: ${model.files.length} of ${model.parts} files are there`);
    }
    const answers = await Promise.all(model.files.map(async (file) => this.#header(file)));
    for (const answer of answers) {
      if ("problem" in answer) throw new RbeeError("model_invalid", `${model.id}: ${answer.problem}`);
    }
    const [main] = answers as [Extract<HeaderAnswer, { header: unknown }>];
    return { id: model.id, path: first.path, size_bytes: sizeOf(model), header: main.header };
  }

  async #info(model: Model): Promise<Info> {
    const problems = await Promise.all(model.files.map(async (file) => this.#problem(file)));
    const invalid = problems.some((problem) => problem !== undefined);
    const status = invalid ? "invalid" : model.files.length < model.parts ? "partial" : "ready";
    const digest = status === "ready" ? await this.#digest(model) : undefined;
    return {
      id: model.id,
      name: (model.files[0]?.name ?? model.id).slice(0, 256),
      size_bytes: sizeOf(model),
      status,
      ...(digest === undefined ? {} : { digest }),
    };
  }

  /** What can be seen at a glance, or is known from a closer look. */
  async #problem(file: FoundFile): Promise<string | undefined> {
    const known = this.#fact<HeaderAnswer>(file, "header");
    if (known !== undefined) return "problem" in known ? known.problem : undefined;
    const glance = await this.#learnt(file, "problem", async () => ({
      problem: await preambleProblem(file.path).catch(() => "it cannot be read"),
    }));
    return glance.problem;
  }

  async #header(file: FoundFile): Promise<HeaderAnswer> {
    return await this.#learnt(file, "header", async () => {
      const problem = await preambleProblem(file.path).catch(() => "it cannot be read");
      return problem === undefined ? await this.#reader.read({ path: file.path, size: file.size }) : { problem };
    });
  }

  async #digest(model: Model): Promise<string | undefined> {
    const [first] = model.files;
    if (first === undefined) return undefined;
    const stamp = model.files.map(stampOf).join(" ");
    const known = this.rows.fact(first.path, "digest", stamp) as string | undefined;
    if (known !== undefined) return known;
    const digest = await modelDigest(model.files).catch(() => undefined);
    if (digest !== undefined) this.rows.learn(first.path, "digest", { stamp, value: digest });
    return digest;
  }

  async #described(file: FoundFile): Promise<{ path: string; size_bytes: number; sha256?: string }> {
    const sha256 = this.#sha256(file);
    return { path: file.path, size_bytes: file.size, ...(sha256 === undefined ? {} : { sha256 }) };
  }

  /** The hub's cache and Ollama name large files by their sha256. */
  #sha256(file: FoundFile): string | undefined {
    const named = /^(?:sha256-)?([0-9a-f]{64})$/.exec(path.basename(file.path))?.[1];
    return named ?? this.#fact<string>(file, "sha256");
  }

  async #hash(file: FoundFile, signal: AbortSignal): Promise<string | undefined> {
    const sha256 = await hashFile(file.path, signal).catch(() => undefined);
    signal.throwIfAborted();
    if (sha256 !== undefined) this.rows.learn(file.path, "sha256", { stamp: stampOf(file), value: sha256 });
    return sha256;
  }

  #fact<T>(file: FoundFile, fact: "problem" | "header" | "sha256"): T | undefined {
    return this.rows.fact(file.path, fact, stampOf(file)) as T | undefined;
  }

  async #learnt<T>(file: FoundFile, fact: "problem" | "header", look: () => Promise<T>): Promise<T> {
    const known = this.#fact<T>(file, fact);
    if (known !== undefined) return known;
    const value = await look();
    this.rows.learn(file.path, fact, { stamp: stampOf(file), value });
    return value;
  }
}

const stampOf = ({ size, mtimeMs }: Pick<FoundFile, "size" | "mtimeMs">): string => `${size}:${mtimeMs}`;
const sizeOf = ({ files }: Model): number => files.reduce((sum, { size }) => sum + size, 0);

/** A model of which a download has brought some. */
async function partialInfo(row: DownloadRow): Promise<Info> {
  const total = row.files.reduce((sum, { size }) => sum + size, 0);
  const percent = Math.floor((1000 * (await doneOf(row))) / Math.max(1, total)) / 10;
  return { id: row.id, name: row.name, size_bytes: total, status: "partial", percent };
}

function notThere(id: string, models: readonly Model[]): RbeeError {
  const IDS_SHOWN = 20;
  const whole = models.filter(({ files, parts }) => files.length >= parts);
  const there = whole.slice(0, IDS_SHOWN).map((one) => one.id);
  const said = there.length === 0 ? "this hive has no models" : `this hive has ${there.join(", ")}`;
  return new RbeeError("model_not_found", `no model ${JSON.stringify(id.slice(0, 256))}; ${said}`);
}
