import { limits, RbeeError, type Piece, type WorkerInfo } from "@rbee/contracts";
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { EngineStore } from "../binaries/store.ts";
import { answersTo, probeDevices } from "../devices/devices.ts";
import type { Embeddings, EmbedWork, GenerationEnd } from "../worker/protocol.ts";
import { adoptedReady, watchAdopted } from "./adopted.ts";
import type { GenerationCall } from "./client.ts";
import { workerFailures, type WorkerFailures } from "./failures.ts";
import { Keeping } from "./keeping.ts";
import { launch } from "./launch.ts";
import { Planner } from "./plans.ts";
import { WorkerPorts } from "./ports.ts";
import { ProcessMeter, type ProcessUse } from "./process.ts";
import { WorkerRecords, type SpawnRequest, type WorkerRecord } from "./records.ts";
import { Revivals, type Wanted } from "./revivals.ts";
import { isAlive, RunningWorker } from "./running.ts";
import { Starts, type Joining } from "./starts.ts";
import type { SupervisorOptions } from "./supervisor-options.ts";

export type { SpawnRequest } from "./records.ts";

type Frames = AsyncGenerator<Piece, GenerationEnd, void>;

/** How long what runs on a worker may take to end. */
type Draining = { drain_ms?: number; signal?: AbortSignal };

/** Starts, finds, watches and stops the workers of this machine. */
export class WorkerSupervisor {
  readonly #options: SupervisorOptions;
  readonly #failed: WorkerFailures;
  readonly #planner: Planner;
  readonly #records: WorkerRecords;
  readonly #ports = new WorkerPorts();
  readonly #meter = new ProcessMeter();
  readonly #starts = new Starts();
  readonly #workers = new Map<string, RunningWorker>();
  readonly #closed = new AbortController();
  readonly #revivals: Revivals;
  /** How long they stay. */
  readonly keeping: Keeping;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#failed = workerFailures(options.log);
    const { engines = new EngineStore(options.home), devices = probeDevices, restart_min_ms } = options;
    this.#planner = new Planner({ ...options, engines, devices: async () => devices() });
    this.#records = new WorkerRecords(options.home);
    this.keeping = new Keeping({
      planner: this.#planner,
      workers: () => [...this.#workers.values()],
      stop: async ({ record }) => this.stop(record.info.pid),
      changed: () => this.#changed(),
      failed: this.#failed,
      keep_alive: options.keep_alive,
      room_wait_ms: options.room_wait_ms,
    });
    this.#revivals = new Revivals({
      start: async (lost, wait_ms, signal) => this.#restart(lost, wait_ms, signal),
      changed: () => this.#changed(),
      ...(restart_min_ms === undefined ? {} : { restart_min_ms }),
    });
  }

  /** Finds the workers an earlier agent left running. Call once, before anything else. */
  async adopt(): Promise<void> {
    for (const record of await this.#records.readAll()) {
      if (!(await isAlive(record))) await this.#records.remove(record.info.worker_id);
      else await this.#adoptOne(record);
    }
    this.#changed();
  }

  /** Also those that died and come back, and those that were given up. */
  list(): WorkerInfo[] {
    const running = [...this.#workers.values()].map(({ info }) => info);
    return [...running, ...this.#revivals.list().filter(({ worker_id }) => !this.#workers.has(worker_id))];
  }

  /** Workers of a model that can take a request; those with a free slot first. */
  ready(model: string): WorkerInfo[] {
    return [...this.#workers.values()]
      .filter(({ record, state }) => record.info.model === model && state === "ready")
      .toSorted((one, other) => Number(other.hasFreeSlot) - Number(one.hasFreeSlot) || one.active - other.active)
      .map(({ info }) => info);
  }

  /** Generations that this agent has running on a worker. */
  activeOn(workerId: string): number {
    return this.#workers.get(workerId)?.active ?? 0;
  }

  get(workerId: string): WorkerInfo | undefined {
    return this.#workers.get(workerId)?.info;
  }
  async usage(pid: number): Promise<ProcessUse | undefined> {
    return await this.#meter.use(pid);
  }

  /** Starts a worker and waits until it is ready. Each call starts its own; one job that asks again gets what it got. */
  async spawn(request: SpawnRequest, joining: Joining): Promise<WorkerInfo> {
    const { origin } = request;
    const asked = (worker: RunningWorker) => origin !== undefined && worker.record.request.origin === origin;
    const known = [...this.#workers.values()].find(asked);
    if (known?.state === "ready") return known.info;
    const model = await this.#planner.modelId(request);
    const worker = await this.#starts.join(
      { key: origin ?? randomUUID(), model },
      async (shared) => this.#start({ ...request, model }, shared),
      joining,
    );
    return worker.info;
  }

  /**
   * A ready worker of this model, on the device that is wished for: one that is there, else one that is being started,
   * else a new one.
   */
  async ensure(modelId: string, joining: Joining, wish: Omit<SpawnRequest, "model"> = {}): Promise<WorkerInfo> {
    const model = await this.#planner.modelId({ model: modelId });
    const { device = "auto" } = wish;
    const anywhere = device === "auto";
    const there = this.ready(model).find((info) => anywhere || answersTo(info.device, { worker: "auto", device }));
    if (there !== undefined) return there;
    const starting = anywhere ? this.#starts.joinModel(model, joining) : undefined;
    if (starting !== undefined) return (await starting).info;
    // No await since the look for others: those who ask at the same time join this start.
    const begun = this.#starts.join(
      { key: `model ${model} on ${device}`, model },
      async (shared) => this.#start({ ...wish, model }, shared),
      joining,
    );
    return (await begun).info;
  }

  /**
   * Stops one of our own and waits until it is gone; what runs on it may end first, for so long.
   * @throws RbeeError worker_not_found
   */
  async stop(pid: number, options: Draining = {}): Promise<WorkerInfo> {
    const worker = [...this.#workers.values()].find(({ record }) => record.info.pid === pid);
    if (worker === undefined) return this.#drop((info) => info.pid === pid, `has the pid ${pid}`);
    await this.#drained(worker, options);
    const stopping = worker.stop();
    this.#changed();
    await stopping;
    await this.#bury(worker);
    return worker.info;
  }

  /**
   * Lets a worker take nothing new from now on, waits until nothing runs on it, and stops it unless it is to be kept.
   * @throws RbeeError worker_not_found
   */
  async drain(workerId: string, options: Draining & { keep?: boolean } = {}): Promise<WorkerInfo> {
    const worker = this.#workers.get(workerId);
    if (worker === undefined) return this.#drop((info) => info.worker_id === workerId, `is called ${workerId}`);
    const drain_ms = options.drain_ms ?? limits.worker_drain_ms;
    await this.#drained(worker, { ...options, drain_ms });
    return options.keep === true ? worker.info : await this.stop(worker.record.info.pid);
  }

  async stopAll(): Promise<void> {
    this.#revivals.dropAll();
    this.#starts.abort(new RbeeError("draining"));
    const stop = async ({ pid, worker_id }: WorkerInfo) => this.stop(pid).catch(this.#failed("stopped", worker_id));
    await Promise.all(this.list().map(stop));
  }

  /** Stops watching; the workers stay, for the next agent to adopt. */
  close(): void {
    this.#closed.abort();
    this.keeping.close();
    this.#revivals.dropAll();
    for (const { client } of this.#workers.values()) client.close();
  }

  /** @throws RbeeError */
  async embed(workerId: string, work: EmbedWork, signal: AbortSignal): Promise<Embeddings> {
    const worker = this.#workers.get(workerId);
    if (worker === undefined) throw new RbeeError("worker_not_found", `${workerId} is not there any more`);
    return await worker.embed(work, signal);
  }

  /**
   * Text of a generation, frame by frame; without `call.generation` of one the worker runs already (not_found when it
   * does not). Aborting the signal stops the engine; closing the iterator only detaches. @throws RbeeError
   */
  async *generate(workerId: string, call: GenerationCall, signal: AbortSignal): Frames {
    const worker = this.#workers.get(workerId);
    if (worker === undefined) throw new RbeeError("worker_not_found", `${workerId} is not there any more`);
    return yield* worker.generate(call, signal);
  }

  /** Takes back a generation that waits for a slot. @returns whether it was taken back: nothing of it was computed */
  async withdraw(workerId: string, id: string): Promise<boolean> {
    return (await this.#workers.get(workerId)?.client.withdraw(id)) ?? true;
  }

  async #start(request: SpawnRequest, shared: Joining, preferred?: number): Promise<RunningWorker> {
    const { plan, memory } = await this.keeping.plan(request, shared.signal);
    try {
      const worker = await launch(plan, {
        ports: this.#ports,
        records: this.#records,
        signal: shared.signal,
        onProgress: (progress) => shared.onProgress?.(progress),
        onStarted: (started) => this.#watch(started),
        ...(preferred === undefined ? {} : { preferred }),
      });
      this.#changed();
      return worker;
    } finally {
      memory.release();
    }
  }

  /** Whoever else wants the model waits for the same start. */
  async #restart({ info, request }: Wanted, wait_ms: number, signal: AbortSignal): Promise<RunningWorker> {
    const begin = async (shared: Joining) => {
      await delay(wait_ms, undefined, { signal: shared.signal, ref: false });
      return await this.#start(request, shared, info.port);
    };
    return await this.#starts.join({ key: `restart ${info.worker_id}`, model: info.model }, begin, { signal });
  }

  /** One that died is not brought back. @throws RbeeError worker_not_found */
  #drop(is: (info: WorkerInfo) => boolean, named: string): WorkerInfo {
    const lost = this.#revivals.drop(is);
    if (lost === undefined) throw new RbeeError("worker_not_found", `no worker of this hive ${named}`);
    return lost;
  }

  async #drained(worker: RunningWorker, options: Draining): Promise<void> {
    const draining = worker.drain(options.drain_ms ?? 0, options.signal ?? this.#closed.signal);
    this.#changed();
    await draining;
  }

  #watch(worker: RunningWorker): void {
    this.#workers.set(worker.record.info.worker_id, worker);
    this.keeping.watch(worker);
    void worker.died.then((death) => {
      // The next agent's affair.
      if (this.#closed.signal.aborted && worker.state !== "draining") return;
      const wanted = worker.state === "ready";
      const buried = this.#bury(worker);
      if (wanted) this.#revivals.begin(worker, death, buried);
      this.#changed();
    });
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
    await worker.written;
    await this.#records.remove(worker_id).catch(this.#failed("forgotten", worker_id));
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
      worker.becameReady();
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
