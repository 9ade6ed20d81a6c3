import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BEE_TINY, House } from "../house.ts";
import { isAlive } from "../process.ts";
import { ChaosProxy } from "./proxy/proxy.ts";

const AGENT = fileURLToPath(new URL("agent.ts", import.meta.url));
/** A process that starts on a loaded machine. Longer than this it is not coming. */
const BACK_WITHIN_MS = 90_000;
/** Generous: a worker that lost its agent while it was being started ends by itself after 30 s. */
const GONE_WITHIN_MS = 45_000;
const LOOK_MS = 100;

export const SYNTHETIC = "synthetic";
/** One slot and one prompt: a real engine says the same again only from the same cache. */
export const REAL_HIVE = "real";

/** A queen and hives of real processes, their way to her through a proxy that can do anything to it. */
export class World {
  readonly house: House;
  readonly proxy: ChaosProxy;

  private constructor(house: House, proxy: ChaosProxy) {
    this.house = house;
    this.proxy = proxy;
  }

  static async open(seed = 1): Promise<World> {
    const house = await House.open();
    const world = new World(house, await ChaosProxy.to(Number(new URL(house.url).port), seed));
    const models = join(house.home, "models");
    mkdirSync(models);
    // A worker is started with a model; the synthetic engine never opens it.
    copyFileSync(BEE_TINY, world.modelFile);
    return world;
  }

  get modelFile(): string {
    return join(this.house.home, "models", `${SYNTHETIC}.gguf`);
  }

  /** Starts a hive with the synthetic engine, or the one with the real one, or starts it again. */
  async startHive(name: string, slots = 4, port = this.proxy.port): Promise<void> {
    if (name === REAL_HIVE) {
      const args = ["--model-file", BEE_TINY, "--preload", "bee-tiny", "--slots", "1"];
      await inTime(this.house.startHive(name, args, { port }), `${name} did not come back`);
      return;
    }
    const args = ["--model-file", this.modelFile, "--preload", SYNTHETIC, "--slots", String(slots)];
    await inTime(this.house.startHive(name, args, { script: AGENT, port }), `${name} did not come back`);
  }

  async startQueen(): Promise<void> {
    await inTime(this.house.startQueen(), "the queen did not come back");
  }

  /** Processes of a hive's workers that live. */
  workerPids(name: string): number[] {
    const folder = join(this.house.home, name, "workers");
    if (!existsSync(folder)) return [];
    return readdirSync(folder)
      .filter((file) => file.endsWith(".json"))
      .map((file) => pidIn(join(folder, file)))
      .filter((pid) => pid > 0 && isAlive(pid));
  }

  /** Stops everything. @returns processes that are still there afterwards */
  async close(): Promise<number[]> {
    await this.house.close();
    this.proxy.close();
    return until(
      () => this.processes(),
      (pids) => pids.length === 0,
      GONE_WITHIN_MS,
    );
  }

  /** Every process that works in this house's folder. */
  processes(): number[] {
    return readdirSync("/proc")
      .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
      .map(Number)
      .filter((pid) => isAlive(pid) && mentions(pid, this.house.home));
  }
}

/** The record may be half written, or gone by now. */
function pidIn(file: string): number {
  try {
    return (JSON.parse(readFileSync(file, "utf8")) as { info: { pid: number } }).info.pid;
  } catch {
    return 0;
  }
}

function mentions(pid: number, folder: string): boolean {
  return ["cmdline", "environ"].some((part) => {
    try {
      return readFileSync(`/proc/${pid}/${part}`, "utf8").includes(folder);
    } catch {
      return false;
    }
  });
}

/** What a process should do, however loaded the machine. @param failure said when it does not */
export async function inTime<T>(event: Promise<T>, failure: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(failure)), BACK_WITHIN_MS);
  });
  return Promise.race([event, late]).finally(() => clearTimeout(timer));
}

/** Asks until the answer is right or the time is up. @returns the last answer */
export async function until<T>(ask: () => Promise<T> | T, right: (answer: T) => boolean, ms: number): Promise<T> {
  const end = performance.now() + ms;
  for (;;) {
    const answer = await ask();
    if (right(answer) || performance.now() > end) return answer;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
