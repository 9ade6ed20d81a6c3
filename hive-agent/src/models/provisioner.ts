import { bytesInWords, limits, narrate, RbeeError, readFileName, type HandlerEvent } from "@rbee/contracts";
import { createHash } from "node:crypto";
import { realpath, stat } from "node:fs/promises";
import path from "node:path";
import type { ModelCatalogue } from "./catalogue.ts";
import { FileFetcher, type Wanted } from "./download/fetch-file.ts";
import { importFile, probe } from "./download/plain.ts";
import { Meter } from "./download/meter.ts";
import { Part } from "./download/part.ts";
import { patience, type Patience } from "./fetch/retry.ts";
import { Throttle } from "./fetch/throttle.ts";
import { Web, type WebOptions } from "./fetch/web.ts";
import { HubCache } from "./hub-cache.ts";
import { Hub, type HubPlan } from "./hub.ts";
import { findModel, type Model } from "./naming.ts";
import { parseSource, type Source } from "./source.ts";

export interface ProvisionerOptions extends WebOptions {
  readonly catalogue: ModelCatalogue;
  /** The hub's cache, shared with other tools. */
  readonly hub_dir: string;
  /** For what does not come from the hub: one of the catalogue's folders. */
  readonly models_dir: string;
  /** Tells this agent's parts from those of another agent that shares the cache. */
  readonly tag: string;
  /** Of all downloads together. */
  readonly bytes_per_second?: number | undefined;
  readonly connections?: number;
  readonly segment_bytes?: number;
  readonly headroom_bytes?: number;
  readonly patience?: Patience;
}

export interface Provisioned {
  readonly model_id: string;
  readonly status: "ready";
  readonly path: string;
  readonly sha256?: string;
  readonly size_bytes: number;
  readonly already_there: boolean;
}

export interface Request {
  readonly model: string;
  readonly revision?: string | undefined;
}

type Steps<T> = AsyncGenerator<HandlerEvent, T, void>;

/** Gets models onto this disk. */
export class Provisioner {
  readonly #options: ProvisionerOptions;
  readonly #catalogue: ModelCatalogue;
  readonly #web: Web;
  readonly #hub: Hub;
  readonly #cache: HubCache;
  readonly #files: FileFetcher;

  constructor(options: ProvisionerOptions) {
    this.#options = options;
    this.#catalogue = options.catalogue;
    this.#web = new Web(options);
    this.#hub = new Hub(this.#web, { ...patience, tries: limits.hub_tries_max, ...options.patience });
    this.#cache = new HubCache(options.hub_dir);
    this.#files = new FileFetcher({
      web: this.#web,
      throttle: new Throttle(options.bytes_per_second),
      patience: options.patience ?? patience,
      connections: options.connections ?? limits.download_connections,
      segment_bytes: options.segment_bytes ?? limits.download_segment_bytes,
      headroom_bytes: options.headroom_bytes ?? limits.download_headroom_bytes,
    });
  }

  /**
   * Yields words and byte progress until the model is there, whole and right. Whoever asks for the same files at the same
   * time shares one transfer; aborting keeps what came. @throws RbeeError
   */
  async *provide(request: Request, signal: AbortSignal): Steps<Provisioned> {
    const parsed = parseSource(request.model, this.#options.endpoint);
    if (parsed.kind === "file") return yield* this.#import(parsed.path, signal);
    if (parsed.kind === "url") return yield* this.#fromWeb(parsed.url, signal);
    const { revision = parsed.revision } = request;
    const source = revision === undefined ? parsed : { ...parsed, revision };
    const there = revision === undefined ? await this.#known(source) : undefined;
    return there ?? (yield* this.#fromHub(source, signal));
  }

  /** Is something of this model on its way? */
  isFetching(id: string): boolean {
    return this.#targetsOf(id).some((target) => this.#files.isFetching(target));
  }

  /** Ends the downloads of a model for everyone who waits for them. */
  async stop(id: string): Promise<void> {
    const gone = new RbeeError("cancelled", `${id} was removed`);
    await Promise.all(this.#targetsOf(id).map(async (target) => this.#files.stop(target, gone)));
  }

  /** Ends all downloads, whose parts stay. */
  async close(): Promise<void> {
    await this.#files.stopAll(new RbeeError("draining"));
    await this.#web.close();
  }

  #targetsOf(id: string): string[] {
    return this.#catalogue.rows
      .downloads()
      .flatMap((row) => (row.id === id ? row.files.map(({ target }) => target) : []));
  }

  /** A model of the repository that is complete: then the hub need not even be asked. */
  async #known({ repo, quant, file }: Extract<Source, { kind: "hub" }>): Promise<Provisioned | undefined> {
    const id = file === undefined ? `${repo}${quant === undefined ? "" : `:${quant}`}` : `${repo}/${file}`;
    const model = findModel(await this.#catalogue.models(), id);
    return model?.repo === repo
      ? await this.#described(model, { already_there: true }).catch(() => undefined)
      : undefined;
  }

  async *#fromHub(source: Extract<Source, { kind: "hub" }>, signal: AbortSignal): Steps<Provisioned> {
    const { endpoint } = this.#options;
    yield narrate("hive", "model_download", `Asking ${endpoint.host} for ${source.repo}`);
    const plan = await this.#hub.plan(source, signal);
    const wanted = plan.files.map((file) => {
      const target = this.#cache.blob(plan.repo, file);
      return { file, target, part: this.#partOf(target), remote: { ...file, url: this.#hub.urlOf(plan, file) } };
    });
    const id = idOf(plan);
    const already = await Promise.all(wanted.map(async (one) => isWhole(one)));
    const name = path.posix.basename(plan.files[0]?.path ?? id);
    const publish = async (one: (typeof wanted)[number]) => this.#cache.publish({ ...plan, files: [one.file] });
    yield* this.#fetchAll({ id, name, wanted, publish }, signal);
    const [first] = wanted;
    return await this.#described(await this.#modelOf(first?.target), { already_there: already.every(Boolean) });
  }

  async *#fromWeb(url: URL, signal: AbortSignal): Steps<Provisioned> {
    const name = safeName(url.pathname);
    const folder = path.join(this.#options.models_dir, hashOf(url.href));
    const target = path.join(folder, name);
    if ((await stat(target).catch(() => undefined)) !== undefined)
      return await this.#described(await this.#modelOf(target), { already_there: true });
    yield narrate("hive", "model_download", `Asking ${url.host} for ${name}`);
    const remote = await probe(url, { web: this.#web, patience: this.#options.patience ?? patience, signal });
    const wanted = { remote, target, part: this.#partOf(target) };
    const id = readFileName(name)?.base ?? name;
    yield* this.#fetchAll({ id, name, wanted: [wanted], publish: async () => undefined }, signal);
    return await this.#described(await this.#modelOf(target), { already_there: false });
  }

  async *#import(file: string, signal: AbortSignal): Steps<Provisioned> {
    const known = (await this.#catalogue.models()).find(({ files }) =>
      files.some(({ path, link }) => path === file || link === file),
    );
    if (known !== undefined) return await this.#described(known, { already_there: true });
    const target = path.join(this.#options.models_dir, hashOf(file), safeName(file));
    yield narrate("hive", "model_download", `Taking ${path.basename(target)} from this machine's disk`);
    const already_there = (await stat(target).catch(() => undefined)) !== undefined;
    if (!already_there)
      await importFile(file, target, {
        room: async (bytes) => this.#files.requireRoom(path.dirname(target), bytes),
        signal,
      });
    return await this.#described(await this.#modelOf(target), { already_there });
  }

  /** Fetches what is missing, one file after the other, and says how far it is all the while. */
  async *#fetchAll<W extends Wanted>(
    {
      id,
      name,
      wanted,
      publish,
    }: { id: string; name: string; wanted: readonly W[]; publish: (one: W) => Promise<void> },
    signal: AbortSignal,
  ): Steps<void> {
    const total = wanted.reduce((sum, { remote }) => sum + remote.size, 0);
    const files = wanted.map(({ part, target, remote }) => ({ part, target, size: remote.size }));
    await this.#forgetOthers(id, wanted);
    this.#catalogue.rows.begin({ id, name, files });
    const work = this.#bringAll(wanted, publish, signal);
    const meter = new Meter(total);
    const done = async () =>
      (await Promise.all(wanted.map(async (one) => this.#files.done(one)))).reduce((sum, bytes) => sum + bytes, 0);
    const [size, from] = [bytesInWords(total), wanted[0]?.remote.url.host];
    yield narrate("hive", "model_download", `Fetching ${name} (${size}) from ${from}`);
    yield meter.progress(await done(), performance.now());
    while (!(await endsWithin(work, limits.download_progress_ms)))
      yield meter.progress(await done(), performance.now());
    await work;
    yield meter.progress(total, performance.now());
    this.#catalogue.rows.end(id);
  }

  /** Parts of what this model was before its repository changed: nobody would ask for them again. */
  async #forgetOthers(id: string, wanted: readonly Wanted[]): Promise<void> {
    const kept = new Set(wanted.map(({ part }) => part));
    const old = this.#catalogue.rows.downloads().flatMap((row) => (row.id === id ? row.files : []));
    for (const { part, target } of old) if (!kept.has(part) && !this.#files.isFetching(target)) await Part.remove(part);
  }

  async #bringAll<W extends Wanted>(
    wanted: readonly W[],
    publish: (one: W) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    for (const one of wanted) {
      if (!(await isWhole(one)) && !(await this.#findHere(one, signal))) {
        const digest = await this.#files.fetch(one, signal);
        if (one.remote.digest?.algorithm !== "git-sha1") await this.#catalogue.learnSha256(one.target, digest);
      }
      await publish(one);
    }
  }

  /** Another program may have fetched these very bytes. */
  async #findHere({ remote: { digest, size }, target }: Wanted, signal: AbortSignal): Promise<boolean> {
    if (digest?.algorithm !== "sha256") return false;
    const file = await this.#catalogue.findBytes(size, digest.hex, signal);
    if (file === undefined) return false;
    await importFile(file, target, {
      room: async (bytes) => this.#files.requireRoom(path.dirname(target), bytes),
      signal,
    });
    return true;
  }

  /** The model that a file belongs to, by what is on disk now. */
  async #modelOf(target: string | undefined): Promise<Model> {
    const real = await realpath(target ?? "").catch(() => undefined);
    const models = await this.#catalogue.models();
    const model = models.find(({ files }) => files.some((file) => file.path === real));
    if (model === undefined)
      throw new RbeeError("model_invalid", "the file is there, and has no name that a model can have");
    return model;
  }

  /** @throws RbeeError model_invalid when the engine could not use it */
  async #described(model: Model, { already_there }: { already_there: boolean }): Promise<Provisioned> {
    const { path, size_bytes } = await this.#catalogue.resolve(model.id);
    const { sha256 } = await this.#catalogue.get(model.id);
    return {
      model_id: model.id,
      status: "ready",
      path,
      size_bytes,
      already_there,
      ...(sha256 === undefined ? {} : { sha256 }),
    };
  }

  #partOf(target: string): string {
    return `${target}.${this.#options.tag}.part`;
  }
}

const isWhole = async ({ target, remote }: Wanted): Promise<boolean> =>
  (await stat(target).catch(() => undefined))?.size === remote.size;

/** What the model will be called, unless another one has that name. */
function idOf({ repo, files }: HubPlan): string {
  const quant = readFileName(path.posix.basename(files[0]?.path ?? ""))?.quant;
  return quant === undefined ? repo : `${repo}:${quant}`;
}

const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 12);

function safeName(file: string): string {
  const name = path.posix.basename(file.replaceAll("\\", "/")).replace(/\.gguf$/i, "");
  return `${
    name
      .replaceAll(/[^A-Za-z0-9._-]+/g, "-")
      .replaceAll(/\.{2,}/g, ".")
      .replace(/^[^A-Za-z0-9]+/, "")
      .slice(0, 128) || "model"
  }.gguf`;
}

/** Whether the work is over, however it ended, within so long. */
async function endsWithin(work: Promise<void>, ms: number): Promise<boolean> {
  const timeout = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => timeout.resolve(false), ms);
  const over = work.then(
    () => true,
    () => true,
  );
  return await Promise.race([over, timeout.promise]).finally(() => clearTimeout(timer));
}
