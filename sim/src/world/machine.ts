import { limits, type Inventory } from "@rbee/contracts";
import { silentLog, type Log } from "../../../hive-agent/src/log.ts";
import { requestOf, type SimResponse } from "../platform/globals.ts";
import type { HivePlan } from "../scenario/scenario.ts";
import { Agent } from "./agent.ts";
import { Disk } from "./disk.ts";
import type { World } from "./world.ts";

/** Machines were started at some time of their own. */
const UPTIME_MS = 1_000_000;
/** Longer than joining takes. */
const JOINING_MS = 60_000;
const WALL = 1_800_000_000_000;

/** A computer with an agent on it: what outlives the agent's process, and what can happen to it. */
export class Machine {
  readonly id: string;
  readonly world: World;
  readonly plan: HivePlan;
  readonly disk: Disk;
  readonly log: Log;
  readonly inventory: Inventory;
  /** Generations that a worker process holds, by job and term: they outlive the agent. */
  readonly generations = new Set<string>();
  boot = 1;
  agent: Agent | undefined;
  unreachable = false;
  /** The request of the newest control connection that was let in. */
  connectedWith = "";
  /** Of its credential. */
  #gen = 1;
  #slept = 0;
  #wallOffset = 0;
  #asleepSince: number | undefined;
  /** Each start and stop has a number: a planned restart of an older one comes to nothing. */
  #run = 0;

  constructor(world: World, id: string, plan: HivePlan) {
    this.world = world;
    this.id = id;
    this.plan = plan;
    this.disk = new Disk(world.scenario.faults.some(({ kind }) => kind === "power"));
    this.inventory = inventoryOf(plan);
    this.log = world.isTraced ? tracing(world, id) : silentLog;
  }

  /** A monotonic clock stands still while the machine sleeps. */
  monotonic(): number {
    const { now } = this.world.schedule;
    return UPTIME_MS + (this.#asleepSince ?? now) - this.#slept;
  }

  wall(): number {
    return WALL + this.world.schedule.now + this.#wallOffset;
  }

  /** For the first time, unless a fault has had it started already. */
  switchOn(): void {
    if (this.#run === 0) this.start();
  }

  /** A supervisor starts the agent, again and again if it must. */
  start(): void {
    const run = ++this.#run;
    try {
      this.agent = new Agent(this);
      this.agent.link.start();
    } catch (error) {
      // The disk is full, or a fault killed it while it started.
      this.log.error("the agent could not start", { error: String(error) });
      this.agent?.kill();
      this.#startAfter(limits.journal_retry_ms, run);
    }
  }

  kill(down_ms: number, worker_gone: boolean): void {
    if (this.#asleepSince !== undefined) return;
    this.world.trace(() => `${this.id} killed for ${down_ms} ms${worker_gone ? ", worker too" : ""}`);
    this.agent?.kill();
    if (worker_gone) this.generations.clear();
    this.#startAfter(down_ms, ++this.#run);
  }

  losePower(down_ms: number): void {
    if (this.#asleepSince !== undefined) return;
    this.agent?.losePower(this.world.random.chance(0.5) ? this.world.random.between(1, 60_000) : undefined);
    const lost = this.disk.losePower(this.world.random);
    this.world.trace(() => `${this.id} loses power for ${down_ms} ms, and ${lost} commits`);
    this.generations.clear();
    this.boot++;
    this.#startAfter(down_ms, ++this.#run);
  }

  /** The process stands still. With `asleep` the machine does, and its monotonic clock. */
  pause(ms: number, asleep: boolean): void {
    const { agent } = this;
    if (agent === undefined || agent.isPaused || !agent.isAlive) return;
    agent.pause();
    if (asleep) this.#asleepSince = this.world.schedule.now;
    this.world.schedule.after(ms, () => {
      if (this.#asleepSince !== undefined) this.#slept += this.world.schedule.now - this.#asleepSince;
      this.#asleepSince = undefined;
      this.world.trace(() => `${this.id} goes on`);
      agent.goOn();
    });
  }

  fillDisk(ms: number): void {
    this.disk.full = true;
    this.world.schedule.after(ms, () => (this.disk.full = false));
  }

  /** Off the net: what is connected is so only in name, what is dialled does not answer. */
  partition(ms: number): void {
    this.unreachable = true;
    this.world.schedule.after(ms, () => (this.unreachable = false));
  }

  jumpWall(ms: number): void {
    this.#wallOffset += ms;
  }

  connectUrl(gen = this.#gen): string {
    const nonce = this.world.platform.unique();
    return `https://hive/?colony=main&hive_id=${this.id}&gen=${gen}&nonce=nonce-${nonce}`;
  }

  replayConnect(): void {
    if (this.connectedWith !== "") this.#mustBeRefused(this.connectedWith);
  }

  /** Stopped, and started with a new credential: from then on the old one is good for nothing. */
  joinAnew(): void {
    const [old, gen] = [this.#gen, this.#gen + 1];
    this.kill(JOINING_MS, false);
    const { platform } = this.world;
    const told = platform.call(undefined, platform.actor("HIVE", `main/${this.id}`), {
      method: "enrolled",
      args: [gen],
    });
    told.then(
      () => {
        this.#gen = gen;
        this.kill(0, false);
        this.#mustBeRefused(this.connectUrl(old));
      },
      () => undefined,
    );
  }

  #mustBeRefused(url: string): void {
    const { platform } = this.world;
    const actor = platform.actor("HIVE", `main/${this.id}`);
    platform.call<SimResponse>(undefined, actor, { method: "fetch", args: [requestOf(url)] }).then(
      ({ status }) => {
        if (status === 101) this.world.fail(`${this.id}: somebody else was let in with ${url}`);
      },
      () => undefined,
    );
  }

  /** SIGTERM, as the agent's own wind-down does it. */
  drain(down_ms: number): void {
    const { agent } = this;
    if (agent === undefined || !agent.isAlive || agent.isPaused) return;
    const run = ++this.#run;
    const { link } = agent;
    link.drain();
    const end = (): void => {
      if (this.#run !== run || !agent.isAlive) return;
      link.close();
      agent.kill();
      this.#startAfter(down_ms, run);
    };
    let ended = false;
    const once = (): void => {
      if (!ended) end();
      ended = true;
    };
    void link.idle().then(once);
    agent.after(limits.drain_ms, () => {
      if (ended) return;
      link.giveBackAll("the hive is shutting down");
      agent.after(limits.stop_grace_ms, once);
    });
  }

  #startAfter(ms: number, run: number): void {
    this.world.schedule.after(ms, () => {
      if (this.#run === run) this.start();
    });
  }
}

const inventoryOf = ({ slots, workers, version }: HivePlan): Inventory => ({
  version: "0.1.0",
  platform: "sim",
  devices: [],
  models: [
    { id: "bee", name: "bee", size_bytes: 1, status: "ready", loaded: true, ...(version === 1 ? {} : { digest: "d" }) },
  ],
  workers: Array.from({ length: workers }, (_, i) => ({
    worker_id: `worker-llama-${9_100 + i}`,
    kind: "llama",
    model: "bee",
    device: "cpu",
    state: "ready",
    slots,
    context: 512,
    port: 9_100 + i,
    pid: 1,
  })),
  slots_default: slots,
});

const tracing = (world: World, id: string): Log => {
  const write = (message: string, fields?: object) => world.trace(() => `${id}: ${message} ${JSON.stringify(fields)}`);
  return { info: write, warn: write, error: write };
};
