import { limits, RbeeError, type Device } from "@rbee/contracts";
import os from "node:os";
import type { EngineStore } from "../binaries/store.ts";
import { fittingDevices, type DeviceKind } from "../devices/devices.ts";
import type { ModelCatalogue, ModelFile } from "../models/catalogue.ts";
import type { EngineOptions } from "../worker/protocol.ts";
import { workerKinds, type WorkerKindName, type WorkerKinds } from "./kinds.ts";
import type { LaunchPlan } from "./launch.ts";
import { memoryNeed, Reservations, type Need, type Reserved } from "./memory.ts";
import type { SpawnRequest } from "./records.ts";
import type { Resident } from "./room.ts";

export interface PlanOptions {
  readonly catalogue: Pick<ModelCatalogue, "resolve">;
  /** Goes into the workers' names, which must be unlike those of other hives. */
  readonly hive_id: string;
  readonly engines: EngineStore;
  readonly devices: () => Promise<Device[]>;
  /** What can be started; the first is started unless another is asked for. */
  readonly kinds?: WorkerKinds;
  /** Slots of a worker unless asked otherwise. */
  readonly slots?: number | undefined;
  /** Threads of a worker's engine; never more than the machine has cores. */
  readonly threads?: number;
  /** How long workers keep what nobody reads, and live without an agent; limits.worker_orphan_ms unless given. */
  readonly orphanMs?: number;
}

/** A plan, and the memory that is kept for it until it is let go. */
export interface Planned {
  readonly plan: LaunchPlan;
  readonly memory: Reserved;
}

/** There would be room without these workers. */
export interface Crowded {
  readonly evict: readonly string[];
}

/** An attached server computes wherever it does. */
const elsewhere = { id: "remote", kind: "cpu" } as const;

/** Turns wishes into plans: which engine, on which device, with how much. */
export class Planner {
  readonly #options: PlanOptions;
  readonly #kinds: WorkerKinds;
  readonly #reservations = new Reservations();

  constructor(options: PlanOptions) {
    this.#options = options;
    this.#kinds = options.kinds ?? workerKinds;
  }

  /** What a model is called here. An attached server's models are called what it calls them. */
  async modelId({ kind, model }: SpawnRequest): Promise<string> {
    return kind === "openai" ? model : (await this.#options.catalogue.resolve(model)).id;
  }

  /** @throws RbeeError saying why it cannot be */
  async plan(request: SpawnRequest, residents: readonly Resident[]): Promise<Planned | Crowded> {
    const name = request.kind ?? (Object.keys(this.#kinds)[0] as WorkerKindName | undefined);
    const kind = name === undefined ? undefined : this.#kinds[name];
    if (name === undefined || kind === undefined)
      throw new RbeeError("unsupported", `this hive starts no ${request.kind} workers`);
    const { hive_id, orphanMs } = this.#options;
    const common = {
      hive_id,
      kind: { name, ...kind },
      slots: request.slots ?? this.#options.slots ?? limits.slots_default,
      threads: this.#threads(),
      orphan_ms: orphanMs ?? limits.worker_orphan_ms,
      request,
    };
    if (name === "openai") return attachedPlan(common, request);
    const model = await this.#options.catalogue.resolve(request.model);
    const context = contextOf(request, model);
    const memory_bytes = Math.ceil(memoryNeed(model, common.slots * context));
    const place = await this.#place(name, request, { id: model.id, bytes: memory_bytes, residents });
    if ("evict" in place) return place;
    const { device, memory } = place;
    const engine = this.#engine(name, model, device.kind);
    return { plan: { ...common, model, context, device, engine, memory_bytes }, memory };
  }

  /** The best device with room, or whom to stop for it. */
  async #place(name: WorkerKindName, request: SpawnRequest, need: Need & { residents: readonly Resident[] }) {
    const before = this.#reservations.snapshot();
    const devices = await this.#options.devices();
    const wish = { worker: request.worker ?? "auto", device: request.device ?? "auto" };
    const fitting = fittingDevices(wish, devices, (kind) => this.#runsOn(name, kind));
    return this.#reservations.take(fitting, need, { before, residents: need.residents });
  }

  #runsOn(name: WorkerKindName, kind: DeviceKind): boolean {
    const { engines } = this.#options;
    if (name !== "llama-server") return engines.has(kind);
    const built = engines.find("llama-server");
    // What was built for a GPU computes on the CPU too.
    return built !== undefined && (kind === "cpu" || kind === built.backend);
  }

  #engine(name: WorkerKindName, model: ModelFile, backend: DeviceKind): EngineOptions {
    const { engines } = this.#options;
    const { path, header } = model;
    if (name === "synthetic") return { kind: "synthetic" };
    if (name === "llama-server") {
      const program = engines.find("llama-server")?.path ?? "";
      return { kind: "llama-server", path, backend, program, chat: header.chat_template };
    }
    const engine = engines.packageOf(backend);
    return { kind: "llama", path, backend, ...(engine === undefined ? {} : { engine }) };
  }

  /** More threads than free cores stall the engine thirtyfold: they wait for each other, so one core stays free for the rest. */
  #threads(): number {
    const cores = os.availableParallelism();
    const most = Math.max(1, cores - 1);
    const wanted = this.#options.threads ?? Number(process.env["RBEE_THREADS"] ?? most);
    return Number.isInteger(wanted) ? Math.min(cores, Math.max(1, wanted)) : most;
  }
}

function attachedPlan(
  common: Omit<LaunchPlan, "model" | "engine" | "device" | "context" | "memory_bytes">,
  { model: id, url = "", context = limits.context_default }: SpawnRequest,
): Planned {
  checkAddress(url);
  const model = { id, size_bytes: 0 };
  const engine = { kind: "openai", url } as const;
  return { plan: { ...common, model, context, device: elsewhere, engine, memory_bytes: 0 }, memory: none };
}

const none: Reserved = { release: () => undefined };

/** Who may submit operations may not, through a hive, reach whatever the hive can reach. [WORK-6] @throws RbeeError address_refused */
function checkAddress(url: string): void {
  const { hostname, username, password } = new URL(url);
  if (username !== "" || password !== "") throw new RbeeError("address_refused", "url: it must not hold a password");
  const allowed = (process.env["RBEE_SERVER_HOSTS"] ?? "").split(",").map((host) => host.trim());
  const loopback = hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);
  if (loopback || allowed.includes(hostname)) return;
  throw new RbeeError(
    "address_refused",
    `url: ${hostname} is another machine; its name must be in RBEE_SERVER_HOSTS of this hive's agent`,
  );
}

function contextOf(request: SpawnRequest, { id, header }: ModelFile): number {
  const trained = header.context ?? limits.context_default;
  const context = request.context ?? Math.min(trained, limits.context_default);
  if (context > trained) throw new RbeeError("invalid_input", `context: ${id} was made for ${trained} tokens`);
  return context;
}
