import { limits } from "@rbee/contracts";
import { HiveLink } from "../../../hive-agent/src/link/hive-link.ts";
import type { Cancel, Clock } from "../../../hive-agent/src/clock.ts";
import type { Happening } from "../platform/schedule.ts";
import { dialler, type SimLine } from "./dial.ts";
import { ProcessSql } from "./disk.ts";
import { handlersOf } from "./handlers.ts";
import type { Machine } from "./machine.ts";

/** One run of the real agent's link on a machine, until it ends or is killed. It is its own clock. */
export class Agent implements Clock {
  readonly machine: Machine;
  readonly link: HiveLink;
  readonly lines = new Set<SimLine>();
  #alive = true;
  #paused = false;
  readonly #backlog: (() => void)[] = [];
  #crash: { down_ms: number; worker_gone: boolean } | undefined;
  #syncing: "idle" | "waiting" | "again" = "idle";

  constructor(machine: Machine) {
    this.machine = machine;
    const { world } = machine;
    const sql = new ProcessSql(machine.disk, {
      isAlive: () => this.#alive,
      before: () => {
        const fault = world.faults.journal();
        if (fault === undefined) return;
        world.trace(() => `fault: ${fault.kind} on ${machine.id}`);
        this.#crash = fault.kind === "crash_after_journal" ? fault : undefined;
        if (this.#crash !== undefined) return;
        machine.kill(fault.down_ms, fault.worker_gone);
        throw new Error("killed");
      },
      after: () => {
        if (this.#crash !== undefined) machine.kill(this.#crash.down_ms, this.#crash.worker_gone);
        this.#crash = undefined;
      },
    });
    const options = {
      queen_url: "https://queen",
      dial: dialler(this),
      clock: this,
      log: machine.log,
      sql,
      sync: () => this.#sync(),
      boot: `boot-${machine.boot}`,
      headers: (time: number) => ({ hive: machine.id, time: String(time) }),
      handlers: handlersOf(this),
      inventory: () => machine.inventory,
    };
    this.link = new HiveLink(options, {
      connected: () => undefined,
      disconnected: () => undefined,
      refused: (error) => world.fail(`${machine.id} was refused by the queen: ${error.message}`),
    });
  }

  get isAlive(): boolean {
    return this.#alive;
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  now(): number {
    return this.machine.monotonic();
  }

  wall(): number {
    return this.machine.wall();
  }

  random(): number {
    return this.machine.world.random.next();
  }

  after(ms: number, run: () => void): Cancel {
    const due = this.now() + Math.max(0, ms);
    let happening: Happening | undefined;
    let cancelled = false;
    const plan = (): void => {
      happening = this.machine.world.schedule.after(due - this.now(), () => this.hear(fire));
    };
    const fire = (): void => {
      if (cancelled) return;
      // The machine may have slept meanwhile, and its monotonic clock with it.
      if (this.now() < due) plan();
      else run();
    };
    plan();
    return () => {
      cancelled = true;
      if (happening !== undefined) happening.run = undefined;
    };
  }

  soon(run: () => void): Cancel {
    return this.after(0, run);
  }

  /** Something reaches the process: not if it is dead, later if it is stopped. */
  hear(what: () => void): void {
    if (!this.#alive) return;
    if (this.#paused) this.#backlog.push(what);
    else what();
  }

  pause(): void {
    this.#paused = true;
  }

  goOn(): void {
    this.#paused = false;
    for (const what of this.#backlog.splice(0)) this.machine.world.schedule.after(0, () => this.hear(what));
  }

  /** kill -9: the operating system closes the sockets. */
  kill(): void {
    this.#alive = false;
    for (const line of this.lines) line.abandon("closed");
  }

  /** The power goes: nobody says anything to anyone. */
  losePower(told_ms: number | undefined): void {
    this.#alive = false;
    for (const line of this.lines) line.abandon("silent", told_ms);
  }

  /** Only a power cut tells what was synced from what was not. */
  #sync(): void {
    if (!this.machine.disk.mayLosePower) return;
    if (this.#syncing !== "idle") {
      this.#syncing = "again";
      return;
    }
    this.#syncing = "waiting";
    const { disk, world } = this.machine;
    const done = disk.sync();
    world.schedule.after(world.random.between(1, 5), done);
    this.after(limits.journal_sync_ms, () => {
      const again = this.#syncing === "again";
      this.#syncing = "idle";
      if (again) this.#sync();
    });
  }
}
