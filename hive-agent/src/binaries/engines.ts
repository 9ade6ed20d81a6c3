import {
  narrate,
  RbeeError,
  type Device,
  type HandlerEvent,
  type WorkerBinary,
  type WorkerInfo,
  type WorkerOffer,
  type WorkerType,
} from "@rbee/contracts";
import { rm } from "node:fs/promises";
import path from "node:path";
import type { DeviceKind } from "../devices/devices.ts";
import type { EnginePackage } from "../worker/engine-package.ts";
import { build, defaultJobs, type BuildPlan } from "./build.ts";
import { bundledSource, engineOf, engineVersion, kindOf, packageFor } from "./packages.ts";
import { Registry } from "./registry.ts";
import { EngineStore, type InstalledEngine } from "./store.ts";
import { download, unpack } from "./tarball.ts";
import { missingTools } from "./toolchain.ts";

export interface EnginesOptions {
  readonly home: string;
  /** False: what npm installed with the agent does not count. */
  readonly bundled?: boolean;
  readonly registry?: Registry;
  /** How to look for devices; the package is the engine that finds boards no maker's tool knows. */
  readonly devices: (vulkan?: EnginePackage) => Promise<Device[]>;
  readonly workers: () => WorkerInfo[];
}

/** The engines of this hive: which it could have, which it has, and how it comes by them. */
export class Engines {
  readonly store: EngineStore;
  readonly #options: EnginesOptions;
  readonly #registry: Registry;
  /** An engine is installed once at a time; who asks meanwhile waits. */
  readonly #installing = new Map<WorkerType, Promise<void>>();

  constructor(options: EnginesOptions) {
    this.#options = options;
    this.#registry = options.registry ?? new Registry();
    const { bundled } = options;
    this.store = new EngineStore(options.home, bundled === undefined ? {} : { bundled });
  }

  /** What this machine can compute on, now. */
  async devices(): Promise<Device[]> {
    return await this.#options.devices(this.store.packageOf("vulkan"));
  }

  async offers(signal: AbortSignal): Promise<WorkerOffer[]> {
    const devices = await this.devices();
    const types: WorkerType[] = [...Object.values(engineOf), "llama-server"];
    return await Promise.all(types.map(async (type) => this.#offer(type, devices, signal)));
  }

  async installed(): Promise<WorkerBinary[]> {
    const workers = this.#options.workers();
    return (await this.store.list()).map((engine) => {
      const { worker_type, version, path: place, size_bytes, sha256, bundled } = engine;
      const using = this.#counts(engine) ? workers.filter((worker) => typeOf(worker) === worker_type) : [];
      return {
        id: `${worker_type}@${version}`,
        worker_type,
        version,
        path: place,
        size_bytes,
        ...(sha256 === undefined ? {} : { sha256 }),
        bundled,
        in_use_by: using.map(({ worker_id }) => worker_id),
      };
    });
  }

  /** @throws RbeeError engine_not_found, naming what is there */
  async get(type: WorkerType): Promise<WorkerBinary> {
    const all = await this.installed();
    const found = all.find(({ worker_type }) => worker_type === type);
    if (found !== undefined) return found;
    const there = all.length === 0 ? "nothing" : all.map(({ id }) => id).join(", ");
    throw new RbeeError("engine_not_found", `no ${type} is installed on this hive; there is ${there}`);
  }

  /** @throws RbeeError engine_not_found, engine_in_use, unsupported */
  async remove(type: WorkerType): Promise<string> {
    const { in_use_by, id, bundled } = await this.get(type);
    if (in_use_by.length > 0) throw new RbeeError("engine_in_use", `${in_use_by.join(", ")} use ${id}`);
    if (bundled) throw new RbeeError("unsupported", `${id} came with the agent, and goes with it`);
    const own = (await this.store.list()).filter((engine) => engine.worker_type === type && !engine.bundled);
    for (const engine of own) await this.store.remove(engine);
    return id;
  }

  /** Fetches an engine that comes ready made. @throws RbeeError unsupported, download_failed */
  async *download(type: WorkerType, signal: AbortSignal): AsyncGenerator<HandlerEvent, InstalledEngine, void> {
    const kind = kindOf(type);
    if (kind === undefined) throw new RbeeError("unsupported", `${type} is built on the hive: worker_build`);
    const name = packageFor(kind);
    const offer = await this.#judged(type, await this.devices());
    if (name === undefined || !offer.installable) throw new RbeeError("unsupported", offer.reason);
    return yield* this.#once(type, signal, () => this.#download({ type, name }, signal));
  }

  /** Builds an engine from its source. @throws RbeeError unsupported, build_failed */
  async *build(
    type: WorkerType,
    wish: Partial<BuildPlan>,
    signal: AbortSignal,
  ): AsyncGenerator<HandlerEvent, InstalledEngine, void> {
    if (type !== "llama-server") throw new RbeeError("unsupported", `${type} comes ready made: worker_download`);
    const plan = { backend: "cpu" as const, jobs: defaultJobs(), ...wish };
    return yield* this.#once(type, signal, () => build(this.store, plan, signal));
  }

  async *#download(
    { type, name }: { type: WorkerType; name: string },
    signal: AbortSignal,
  ): AsyncGenerator<HandlerEvent, InstalledEngine, void> {
    const version = engineVersion();
    yield narrate("hive", "worker_download", `Asking the registry for ${name} ${version}`);
    const offered = await this.#registry.version(name, version, signal);
    const file = path.join(this.store.folder, ".parts", `${type}-${version}.tgz`);
    const sha256 = yield* download(offered, file, signal);
    yield narrate("hive", "worker_unpack", `Unpacking ${name}`);
    const staged = await this.store.stage();
    try {
      await unpack(file, path.join(staged, "content"));
      const engine = await this.store.publish(staged, { worker_type: type, version, sha256 });
      await rm(file, { force: true });
      return engine;
    } finally {
      await rm(staged, { recursive: true, force: true });
    }
  }

  async *#once(
    type: WorkerType,
    signal: AbortSignal,
    install: () => AsyncGenerator<HandlerEvent, InstalledEngine, void>,
  ): AsyncGenerator<HandlerEvent, InstalledEngine, void> {
    for (let other = this.#installing.get(type); other !== undefined; other = this.#installing.get(type)) {
      yield narrate("hive", "worker_install", `${type} is being installed already`);
      await untilSettled(other, signal);
    }
    const there = this.store.find(type);
    if (there !== undefined) {
      yield narrate("hive", "worker_install", `${type} ${there.version} is already installed`);
      return there;
    }
    // No await since the look for others.
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#installing.set(type, promise);
    try {
      return yield* install();
    } finally {
      this.#installing.delete(type);
      resolve();
    }
  }

  async #offer(type: WorkerType, devices: readonly Device[], signal: AbortSignal): Promise<WorkerOffer> {
    const offer = await this.#judged(type, devices);
    const name = packageFor(kindOf(type) ?? "cpu");
    if (offer.method === "build" || !offer.installable || name === undefined) return offer;
    const offered = await this.#registry.version(name, offer.version, signal).catch(() => undefined);
    const size_bytes = offered === undefined ? undefined : await this.#registry.size(offered, signal);
    return size_bytes === undefined ? offer : { ...offer, size_bytes };
  }

  async #judged(type: WorkerType, devices: readonly Device[]): Promise<WorkerOffer> {
    const kind = kindOf(type);
    const installed = this.store.find(type) !== undefined;
    const method = kind === undefined ? "build" : "download";
    const version = (kind === undefined ? bundledSource()?.version : engineVersion()) ?? "unknown";
    const reason = kind === undefined ? await whyNotBuilt() : whyNotRun(kind, devices);
    const judged = { worker_type: type, version, method, installed, installable: reason === undefined } as const;
    return reason === undefined ? judged : { ...judged, reason };
  }

  /** Is this the engine that workers of its type run on, and not another version of it? */
  #counts({ worker_type, path: place }: InstalledEngine): boolean {
    return this.store.find(worker_type)?.path === place;
  }
}

/** The engine that a worker runs on; an attached server's is its own affair. */
function typeOf({ kind, device }: WorkerInfo): WorkerType | undefined {
  if (kind === "llama-server") return "llama-server";
  return kind === "llama" ? engineOf[device.split(":")[0] as DeviceKind] : undefined;
}

function whyNotRun(kind: DeviceKind, devices: readonly Device[]): string | undefined {
  if (packageFor(kind) === undefined) return `there is no ${kind} engine for ${process.platform}-${process.arch}`;
  if (devices.some((device) => device.kind === kind)) return undefined;
  // A board may be there that only this engine itself would find.
  if (kind === "vulkan" && devices.every((device) => device.kind === "cpu")) return undefined;
  return `this hive has no ${kind} device; it has ${devices.map(({ id }) => id).join(", ")}`;
}

async function whyNotBuilt(): Promise<string | undefined> {
  if (bundledSource() === undefined) return "this agent was installed without llama.cpp's source";
  const missing = await missingTools("cpu");
  return missing.length === 0 ? undefined : `this hive lacks ${missing.join(", ")}`;
}

async function untilSettled(other: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const left = Promise.withResolvers<never>();
  const leave = () => left.reject(signal.reason as Error);
  signal.addEventListener("abort", leave, { once: true });
  try {
    await Promise.race([other, left.promise]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}
