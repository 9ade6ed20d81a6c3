import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { WorkerInfo } from "@rbee/contracts";
import { QueenClient, type WorkerClient, workerClient } from "./clients.ts";
import { cpuOf, memoryOf, type Cpu } from "./cpu.ts";
import { EMBEDDER, embedderFile, hasEmbedder, listener } from "./models.ts";
import { Process } from "./processes.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const beeTiny = join(root, "models/bee-tiny/bee-tiny.f16.gguf");

/** Two of them hold the 128 streams: a worker has 64 slots at most. */
const SYNTHETIC = { kind: "synthetic", model: "synthetic", slots: 64, context: 64 } as const;
const REAL = { kind: "llama", model: "bee-tiny", slots: 1 } as const;
const LISTENER = { kind: "llama", model: listener.model, slots: 1, context: listener.context } as const;

const FOLDER = "rbee-bench-";

export interface FleetOptions {
  /** Where everything is stored; a folder of its own is made in it. */
  readonly state: string;
  /** Writes a CPU profile of the agent there when it ends. */
  readonly profile: string | undefined;
}

/** A queen and one hive, each a process, with nothing of the user's. */
export class Fleet {
  readonly #dir: string;
  readonly #options: FleetOptions;
  readonly #processes: Process[] = [];
  #agent: Process | undefined;
  #queen: QueenClient | undefined;
  #workers: WorkerInfo[] = [];

  constructor(options: FleetOptions) {
    this.#options = options;
    sweep(options.state);
    this.#dir = mkdtempSync(join(options.state, `${FOLDER}${process.pid}-`));
  }

  async start(): Promise<void> {
    const queenHome = join(this.#dir, "queen");
    const queen = this.#run("queen", [
      join(root, "queen-edge/src/embedded/main.ts"),
      "--home",
      queenHome,
      "--port",
      "0",
    ]);
    const ready = JSON.parse(await queen.line()) as { queen_url: string; api_key: string };
    this.#queen = new QueenClient(ready.queen_url, ready.api_key);
    const { token } = (await this.#queen.ask({ operation: "hive_token_create" })) as { token: string };
    const models = join(this.#dir, "models");
    mkdirSync(models);
    copyFileSync(beeTiny, join(models, "bee-tiny.f16.gguf"));
    // A worker is started with a model; the synthetic one never opens it.
    copyFileSync(beeTiny, join(models, "synthetic.gguf"));
    if (listener.model !== REAL.model) copyFileSync(listener.file, join(models, basename(listener.file)));
    if (hasEmbedder) copyFileSync(embedderFile, join(models, basename(embedderFile)));
    const { profile } = this.#options;
    const profiling = profile === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", profile];
    const script = fileURLToPath(new URL("agent-with-synthetic-engine.ts", import.meta.url));
    this.#agent = this.#run("agent", [...profiling, script, join(this.#dir, "hive"), ready.queen_url, models], {
      RBEE_JOIN_TOKEN: token,
      RBEE_THREADS: "1",
    });
    await this.#agent.message();
  }

  async startWorkers(): Promise<void> {
    if (this.#agent === undefined) throw new Error("the agent is not running");
    const embedding = hasEmbedder ? [{ kind: "llama", model: EMBEDDER }] : [];
    const listening = listener.model === REAL.model ? [] : [LISTENER];
    this.#agent.child.send([SYNTHETIC, SYNTHETIC, REAL, ...listening, ...embedding]);
    this.#workers = ((await this.#agent.message()) as { workers: WorkerInfo[] }).workers;
  }

  get queen(): QueenClient {
    if (this.#queen === undefined) throw new Error("the queen is not running");
    return this.#queen;
  }

  get agentPid(): number {
    return this.#agent?.pid ?? 0;
  }

  /** Memory of the queen and the engine below her, in bytes. */
  queenMemory(): number {
    return memoryOf(this.#processes[0]?.pid ?? 0);
  }

  cpu(): Cpu {
    const workers = this.#workers.map(({ pid }) => pid);
    return cpuOf({ queen: this.#processes[0]?.pid ?? 0, agent: this.agentPid, workers });
  }

  /** The first worker of a model, to be spoken to as the agent does. */
  worker(model: string): WorkerClient & { readonly worker_id: string } {
    const worker = this.#workers.find((one) => one.model === model);
    if (worker === undefined) throw new Error(`no worker of ${model} runs`);
    const { worker_id, port } = worker;
    const record = readFileSync(join(this.#dir, "hive/workers", `${worker_id}.json`), "utf8");
    const { token } = JSON.parse(record) as { token: string };
    return { worker_id, ...workerClient(port, token) };
  }

  /** Agent first: it takes its workers along. */
  async stop(): Promise<void> {
    for (const one of this.#processes.splice(0).toReversed()) await one.stop();
    rmSync(this.#dir, { recursive: true, force: true, maxRetries: 5 });
  }

  #run(name: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Process {
    // The queen ends with her standard input, should the bench be killed.
    const started = new Process(name, args, { RBEE_EXIT_WITH_PARENT: "1", ...env });
    this.#processes.push(started);
    return started;
  }
}

/** A bench that was killed leaves its folder behind, on a RAM disk as memory that nobody gets back. */
function sweep(state: string): void {
  for (const name of readdirSync(state)) {
    const pid = name.startsWith(FOLDER) ? Number(name.slice(FOLDER.length).split("-")[0]) : Number.NaN;
    if (pid > 0 && !isRunning(pid)) rmSync(join(state, name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
