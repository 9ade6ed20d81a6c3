import { limits, RbeeError, STAYS, type Piece, type WorkerInfo } from "@rbee/contracts";
import { setTimeout as delay } from "node:timers/promises";
import type { Embeddings, EmbedWork, GenerationEnd } from "../worker/protocol.ts";
import { ConnectionLost, WorkerClient, type GenerationCall } from "./client.ts";
import { signalGroup, startTime } from "./process.ts";
import type { WorkerRecord, WorkerRecords } from "./records.ts";

/** How a worker process ended, in words, and what it last said. */
export interface Death {
  readonly reason: string;
  readonly lines: readonly string[];
}

/** How often a stopping worker that is not our child is looked for. */
const GONE_POLL_MS = 20;
const DRAIN_POLL_MS = 20;

/** A worker process, ours by birth or by adoption. */
export class RunningWorker {
  #record: WorkerRecord;
  readonly client: WorkerClient;
  readonly #options: { records: WorkerRecords; adopted: boolean };
  readonly #death = Promise.withResolvers<Death>();
  state: WorkerInfo["state"] = "starting";
  /** When it got ready, and when it was last used, on this process's monotonic clock. */
  readyAt = 0;
  usedAt = 0;
  /** It is being stopped: its memory will be free in a moment. */
  stopping = false;
  /** It was used, or is to stay for another time than before. */
  onUse: () => void = () => undefined;
  /** Times it was started again. */
  restarts = 0;
  #gone = false;
  #written: Promise<void> = Promise.resolve();
  /** Generations this agent has running on it. */
  active = 0;
  /** Resolves when everything that reminded of it is gone too. */
  buried: Promise<void> | undefined;

  constructor(record: WorkerRecord, options: { records: WorkerRecords; adopted: boolean }) {
    this.#record = record;
    this.client = new WorkerClient(record.info.port, record.token);
    this.#options = options;
  }

  get record(): WorkerRecord {
    return this.#record;
  }

  /** Writes down what is different about it now; it counts for this agent also where that fails. */
  async amend(change: Partial<Pick<WorkerRecord, "request" | "served">>): Promise<void> {
    this.#record = { ...this.#record, ...change };
    const { records } = this.#options;
    const write = async () => (this.#gone ? undefined : records.write(this.#record));
    const written = this.#written.then(write);
    this.#written = written.catch(() => undefined);
    await written;
  }

  /** Resolves when nothing of its record is being written. */
  get written(): Promise<void> {
    return this.#written;
  }

  /** Resolves when the process is gone. */
  get died(): Promise<Death> {
    return this.#death.promise;
  }

  /** Says that the process is gone. Its last lines are read now, before its log may belong to the next worker. */
  async ended(reason: string): Promise<void> {
    this.#gone = true;
    const lines = await this.#options.records.lastLines(this.record.info.worker_id, limits.stderr_lines);
    this.#death.resolve({ reason: this.state === "draining" ? "was stopped" : reason, lines });
  }

  becameReady(): void {
    if (this.state === "starting") this.state = "ready";
    this.readyAt = performance.now();
    this.usedAt = this.readyAt;
    this.onUse();
  }

  get info(): WorkerInfo {
    const { restarts, state, held } = this;
    const { keep_alive = STAYS, pin } = this.record.request;
    return {
      ...this.record.info,
      state,
      ...(restarts === 0 ? {} : { restarts }),
      ...(keep_alive < 0 || pin === true ? {} : { keep_alive }),
      ...(held === undefined ? {} : { held }),
    };
  }

  /** Why it does not make room, though it is idle. */
  get held(): WorkerInfo["held"] {
    if (this.record.request.pin === true) return "pinned";
    return this.record.served === true ? undefined : "unserved";
  }

  /** As `WorkerSupervisor.generate`. */
  async *generate(call: GenerationCall, signal: AbortSignal): AsyncGenerator<Piece, GenerationEnd, void> {
    this.#use(1);
    try {
      const end = yield* this.client.frames(call, signal);
      void this.client.remove(call.id);
      return end;
    } catch (error) {
      // Waits until the engine has been told to stop: who cancels counts on it.
      await this.client.remove(call.id);
      if (signal.aborted) throw signal.reason;
      throw error instanceof ConnectionLost ? await this.whyLost() : error;
    } finally {
      this.#use(-1);
    }
  }

  /** @throws RbeeError */
  async embed(work: EmbedWork, signal: AbortSignal): Promise<Embeddings> {
    this.#use(1);
    try {
      return await this.client.embed(work, signal);
    } catch (error) {
      throw error instanceof ConnectionLost ? await this.whyLost() : error;
    } finally {
      this.#use(-1);
    }
  }

  get hasFreeSlot(): boolean {
    return this.active < this.record.info.slots;
  }

  #use(by: 1 | -1): void {
    this.active += by;
    this.usedAt = performance.now();
    this.onUse();
  }

  /** TERM, then KILL; returns when it is gone. */
  async stop(): Promise<void> {
    this.state = "draining";
    this.stopping = true;
    if (await isAlive(this.record)) {
      await this.signal("SIGTERM");
      if (!(await this.#goneWithin(limits.stop_grace_ms))) {
        await this.signal("SIGKILL");
        await this.#goneWithin(limits.stop_grace_ms);
      }
    }
    await this.ended("was stopped");
  }

  /**
   * To the process and all it started. Only while its pid is still its own, or nobody's: then its group, if there is one
   * left, is its own too. [WORK-2]
   */
  async signal(signal: NodeJS.Signals): Promise<void> {
    const { info, started } = this.record;
    const now = await startTime(info.pid);
    if (info.pid > 0 && (now === undefined || now === started)) signalGroup(info.pid, signal);
  }

  /** Takes no new request; returns when none runs any more, or after so long. [WORK-4] */
  async drain(ms: number, signal: AbortSignal): Promise<void> {
    this.state = "draining";
    const deadline = performance.now() + ms;
    while (this.active > 0 && performance.now() < deadline && !this.#gone) {
      const stopped = await delay(DRAIN_POLL_MS, false, { signal }).catch(() => true);
      if (stopped) break;
    }
  }

  /** Why its connection broke: waits a moment for the news of its end. */
  async whyLost(): Promise<RbeeError> {
    const { worker_id } = this.record.info;
    if (!(await this.#goneWithin(limits.worker_request_ms))) {
      return new RbeeError("worker_died", `${worker_id} broke the connection`);
    }
    if (this.#options.adopted) await this.ended("ended");
    return new RbeeError("worker_died", describeDeath(worker_id, await this.died));
  }

  async #goneWithin(ms: number): Promise<boolean> {
    const over = new AbortController();
    const { signal } = over;
    const gone = this.#options.adopted ? untilGone(this.record, signal) : this.died;
    const inTime = await Promise.race([gone.then(() => true), delay(ms, false, { signal }).catch(() => false)]);
    over.abort();
    return inTime;
  }
}

/** Is the process of this record still there, and still the same one? */
export async function isAlive({ info, started }: WorkerRecord): Promise<boolean> {
  return (await startTime(info.pid)) === started;
}

/** The detail of an error: what happened, then the worker's last lines. */
export function describeDeath(workerId: string, { reason, lines }: Death): string {
  const said = lines.filter((line) => line.trim() !== "");
  return [`${workerId} ${reason}`, ...said].join("\n");
}

async function untilGone(record: WorkerRecord, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && (await isAlive(record))) await delay(GONE_POLL_MS);
}
