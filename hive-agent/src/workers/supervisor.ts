import { limits, RbeeError, type Device, type WorkerInfo } from "@rbee/contracts";
import { randomUUID } from "node:crypto";
import os from "node:os";
import { chooseDevice, probeDevices, type DeviceWish } from "../devices/devices.ts";
import type { ModelCatalogue } from "../models/catalogue.ts";
import type { GenerationEnd } from "../worker/protocol.ts";
import { adoptedReady, watchAdopted } from "./adopted.ts";
import { ConnectionLost, type GenerationCall } from "./client.ts";
import { workerKinds, type WorkerKindName, type WorkerKinds } from "./kinds.ts";
import { launch, type LaunchPlan } from "./launch.ts";
import { checkMemory, memoryNeed } from "./memory.ts";
import { WorkerPorts } from "./ports.ts";
import { ProcessMeter, type ProcessUse } from "./process.ts";
import { WorkerRecords, type WorkerRecord } from "./records.ts";
import { isAlive, RunningWorker } from "./running.ts";
import { Starts, type Joining } from "./starts.ts";

export interface SupervisorOptions {
  /** Records and logs are kept in `<home>/workers`. */
  readonly home: string;
  readonly catalogue: Pick<ModelCatalogue, "resolve">;
  /** Goes into the workers' names, which must be unlike those of other hives. */
  readonly hive_id: string;
  readonly devices?: () => Promise<Device[]>;
  /** What can be started; the first is started unless another is asked for. */
  readonly kinds?: WorkerKinds;
  /** Slots of a worker unless asked otherwise. */
  readonly slots?: number | undefined;
  /** Threads of a worker's engine; never more than the machine has cores. */
  readonly threads?: number;
  /** How long workers keep what nobody reads, and live without an agent; limits.worker_orphan_ms unless given. */
  readonly orphanMs?: number;
  /** A worker came, got ready, or went. */
  readonly onChange?: () => void;
}

export interface SpawnRequest extends Partial<DeviceWish> {
  readonly model: string;
  readonly kind?: WorkerKindName;
  readonly slots?: number | undefined;
  readonly context?: number | undefined;
  /** The job that asks; asking again for the same job finds the worker it got. */
  readonly origin?: string;
}

/** Starts, finds, watches and stops the workers of this machine. */
export class WorkerSupervisor {
  readonly #options: SupervisorOptions;
  readonly #kinds: WorkerKinds;
  readonly #records: WorkerRecords;
  readonly #ports = new WorkerPorts();
  readonly #meter = new ProcessMeter();
  readonly #starts = new Starts();
  readonly #workers = new Map<string, RunningWorker>();
  readonly #closed = new AbortController();
  /** Bytes that workers which are still loading will take. */
  #loading = 0;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#kinds = options.kinds ?? workerKinds;
    this.#records = new WorkerRecords(options.home);
  }

  /** Finds the workers an earlier agent left running. Call once, before anything else. */
  async adopt(): Promise<void> {
    for (const record of await this.#records.readAll()) {
      if (!(await isAlive(record))) await this.#records.remove(record.info.worker_id);
      else await this.#adoptOne(record);
    }
    this.#changed();
  }

  list(): WorkerInfo[] {
    return [...this.#workers.values()].map(({ info }) => info);
  }

  /** Workers of a model that can take a request; those with a free slot first. */
  ready(model: string): WorkerInfo[] {
    return [...this.#workers.values()]
      .filter(({ record, state }) => record.info.model === model && state === "ready")
      .toSorted((one, other) => Number(other.hasFreeSlot) - Number(one.hasFreeSlot) || one.active - other.active)
      .map(({ info }) => info);
  }

  get(workerId: string): WorkerInfo | undefined {
    return this.#workers.get(workerId)?.info;
  }

  getByPid(pid: number): WorkerInfo | undefined {
    return this.list().find((info) => info.pid === pid);
  }

  async usage(pid: number): Promise<ProcessUse | undefined> {
    return await this.#meter.use(pid);
  }

  /** Starts a worker and waits until it is ready. Each call starts its own; one job that asks again gets what it got. */
  async spawn(request: SpawnRequest, joining: Joining): Promise<WorkerInfo> {
    const { origin } = request;
    const known = [...this.#workers.values()].find(({ record }) => origin !== undefined && record.origin === origin);
    if (known?.state === "ready") return known.info;
    const { id: model } = await this.#options.catalogue.resolve(request.model);
    const worker = await this.#starts.join(
      { key: origin ?? randomUUID(), model },
      async (shared) => this.#start({ ...request, model }, shared),
      joining,
    );
    return worker.info;
  }

  /** A ready worker of this model: one that is there, else one that is being started, else a new one. */
  async ensure(modelId: string, joining: Joining): Promise<WorkerInfo> {
    const { id: model } = await this.#options.catalogue.resolve(modelId);
    const [ready] = this.ready(model);
    if (ready !== undefined) return ready;
    const starting = this.#starts.joinModel(model, joining);
    if (starting !== undefined) return (await starting).info;
    // No await since the look for others: those who ask at the same time join this start.
    const begun = this.#starts.join(
      { key: `model ${model}`, model },
      async (shared) => this.#start({ model }, shared),
      joining,
    );
    return (await begun).info;
  }

  /** Stops one of our own and waits until it is gone. @throws RbeeError worker_not_found */
  async stop(pid: number): Promise<WorkerInfo> {
    const worker = [...this.#workers.values()].find(({ record }) => record.info.pid === pid);
    if (worker === undefined) throw new RbeeError("worker_not_found", `no worker of this hive has the pid ${pid}`);
    const stopping = worker.stop();
    this.#changed();
    await stopping;
    await this.#bury(worker);
    return worker.info;
  }

  async stopAll(): Promise<void> {
    this.#starts.abort(new RbeeError("draining"));
    await Promise.all(this.list().map(async ({ pid }) => this.stop(pid).catch(() => undefined)));
  }

  /** Stops watching; the workers stay, for the next agent to adopt. */
  close(): void {
    this.#closed.abort();
    for (const { client } of this.#workers.values()) client.close();
  }

  /**
   * Text of a generation, frame by frame; without `call.generation` of one the worker runs already (not_found when it
   * does not). Aborting the signal stops the engine; closing the iterator only detaches. @throws RbeeError
   */
  async *generate(
    workerId: string,
    call: GenerationCall,
    signal: AbortSignal,
  ): AsyncGenerator<string, GenerationEnd, void> {
    const worker = this.#workers.get(workerId);
    if (worker === undefined) throw new RbeeError("worker_not_found", `${workerId} is not there any more`);
    worker.active += 1;
    try {
      const end = yield* worker.client.frames(call, signal);
      void worker.client.remove(call.id);
      return end;
    } catch (error) {
      // Waits until the engine has been told to stop: who cancels counts on it.
      await worker.client.remove(call.id);
      if (signal.aborted) throw signal.reason;
      throw error instanceof ConnectionLost ? await worker.whyLost() : error;
    } finally {
      worker.active -= 1;
    }
  }

  /** Takes back a generation that waits for a slot. @returns whether it was taken back: nothing of it was computed */
  async withdraw(workerId: string, id: string): Promise<boolean> {
    return (await this.#workers.get(workerId)?.client.withdraw(id)) ?? true;
  }

  async #start(request: SpawnRequest, shared: Joining): Promise<RunningWorker> {
    const plan = await this.#plan(request);
    const bytes = memoryNeed(plan.model, plan.slots * plan.context);
    checkMemory(plan.device, { model: plan.model.id, bytes, reserved: this.#loading });
    this.#loading += bytes;
    try {
      const worker = await launch(plan, {
        ports: this.#ports,
        records: this.#records,
        signal: shared.signal,
        onProgress: (progress) => shared.onProgress?.(progress),
        onStarted: (started) => this.#watch(started),
      });
      this.#changed();
      return worker;
    } finally {
      this.#loading -= bytes;
    }
  }

  async #plan(request: SpawnRequest): Promise<LaunchPlan> {
    const name = request.kind ?? (Object.keys(this.#kinds)[0] as WorkerKindName | undefined);
    const kind = name === undefined ? undefined : this.#kinds[name];
    if (name === undefined || kind === undefined)
      throw new RbeeError("unsupported", `this hive starts no ${request.kind} workers`);
    const model = await this.#options.catalogue.resolve(request.model);
    const devices = await (this.#options.devices ?? probeDevices)();
    const device = chooseDevice({ worker: request.worker ?? "auto", device: request.device ?? "auto" }, devices);
    const trained = model.header.context ?? limits.context_default;
    const context = request.context ?? Math.min(trained, limits.context_default);
    if (context > trained) throw new RbeeError("invalid_input", `context: ${model.id} was made for ${trained} tokens`);
    const slots = request.slots ?? this.#options.slots ?? limits.slots_default;
    const orphan_ms = this.#options.orphanMs ?? limits.worker_orphan_ms;
    const { origin } = request;
    return {
      hive_id: this.#options.hive_id,
      kind: { name, ...kind },
      model,
      device,
      slots,
      context,
      threads: this.#threads(),
      orphan_ms,
      origin,
    };
  }

  /** More threads than free cores stall the engine thirtyfold: they wait for each other, so one core stays free for the rest. */
  #threads(): number {
    const cores = os.availableParallelism();
    const most = Math.max(1, cores - 1);
    const wanted = this.#options.threads ?? Number(process.env["RBEE_THREADS"] ?? most);
    return Number.isInteger(wanted) ? Math.min(cores, Math.max(1, wanted)) : most;
  }

  #watch(worker: RunningWorker): void {
    this.#workers.set(worker.record.info.worker_id, worker);
    void worker.died.then(async () => this.#bury(worker));
    this.#changed();
  }

  /** Forgets a worker that is gone, once; only then may its port, and with it its name, be used again. */
  #bury(worker: RunningWorker): Promise<void> {
    worker.buried ??= this.#forget(worker);
    return worker.buried;
  }

  async #forget(worker: RunningWorker): Promise<void> {
    const { worker_id, port, pid } = worker.record.info;
    worker.state = "dead";
    this.#workers.delete(worker_id);
    worker.client.close();
    this.#meter.forget(pid);
    await this.#records.remove(worker_id);
    this.#ports.release(port);
    this.#changed();
  }

  async #adoptOne(record: WorkerRecord): Promise<void> {
    const worker = new RunningWorker(record, { records: this.#records, adopted: true });
    const health = await worker.client.health();
    if (health === undefined) {
      // Ours, but deaf: nobody can use it, and its memory is needed.
      await worker.stop();
      await this.#records.remove(record.info.worker_id);
      return;
    }
    this.#ports.claim(record.info.port);
    this.#watch(worker);
    const { signal } = this.#closed;
    void watchAdopted(worker, signal);
    if (health.status === "ready") {
      worker.state = "ready";
      return;
    }
    const { worker_id, model } = record.info;
    const ready = this.#starts.join({ key: worker_id, model }, async () => adoptedReady(worker, signal), { signal });
    void ready.then(
      () => this.#changed(),
      () => undefined,
    );
  }

  #changed(): void {
    this.#options.onChange?.();
  }
}
