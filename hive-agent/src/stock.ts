import { limits, type Device, type Inventory, type ModelInfo } from "@rbee/contracts";
import { modelInfos } from "./handlers/deps.ts";
import type { ModelCatalogue } from "./models/catalogue.ts";
import type { WorkerSupervisor } from "./workers/supervisor.ts";

interface Sources {
  readonly version: string;
  readonly slots_default: number;
  /** Whether it fetches models on demand. */
  readonly pulls: boolean;
  readonly catalogue: ModelCatalogue;
  readonly supervisor: WorkerSupervisor;
  devices(): Promise<Device[]>;
  /** It may be different now. */
  changed(): void;
}

/** What this hive has, as it tells its queen. Reading is instant; looking takes a moment and happens beside it. */
export class Stock {
  readonly #sources: Sources;
  #devices: Device[] = [];
  #models: ModelInfo[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  async start(): Promise<void> {
    await Promise.all([this.#lookAtDevices(), this.#lookAtModels()]);
    // Devices are only looked at when a worker came or went: free memory always differs, and telling so wakes the queen.
    this.#timer = setInterval(() => void this.#lookAtModels(), limits.models_scan_ms);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** A worker came, got ready, or went. */
  workersChanged(): void {
    this.#sources.changed();
    void this.#lookAtDevices();
  }

  /** Looks at the devices now. */
  async lookAgain(): Promise<Device[]> {
    await this.#lookAtDevices();
    return this.#devices;
  }

  /** A model came or went. */
  async modelsChanged(): Promise<void> {
    await this.#lookAtModels();
  }

  inventory(): Inventory {
    const { version, slots_default, supervisor, pulls } = this.#sources;
    const workers = supervisor.list();
    const loaded = new Set(workers.filter(({ state }) => state === "ready").map(({ model }) => model));
    return {
      version,
      platform: `${process.platform}-${process.arch}`,
      devices: this.#devices,
      models: this.#models.map((model) => ({ ...model, loaded: loaded.has(model.id) })),
      workers,
      slots_default,
      stops: { ...supervisor.keeping.stops },
      ...(pulls ? { pulls } : {}),
    };
  }

  async #lookAtDevices(): Promise<void> {
    this.#devices = await this.#sources.devices();
    this.#sources.changed();
  }

  async #lookAtModels(): Promise<void> {
    this.#models = await modelInfos(this.#sources);
    this.#sources.changed();
  }
}
