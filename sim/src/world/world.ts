import { limits } from "@rbee/contracts";
import { HiveObject } from "../../../queen-edge/src/durable/hive-object.ts";
import { JobObject } from "../../../queen-edge/src/durable/job-object.ts";
import { RegistryObject } from "../../../queen-edge/src/durable/registry-object.ts";
import { Fleet } from "../../../queen-edge/src/queen/fleet.ts";
import { verdict } from "../check/verdict.ts";
import { Watch } from "../check/watch.ts";
import { Faults, type TimedFault } from "../faults/plan.ts";
import type { Actor, Instance } from "../platform/actor.ts";
import { enterWorld } from "../platform/globals.ts";
import { Platform, type ObjectClass } from "../platform/platform.ts";
import { Random } from "../platform/random.ts";
import { stubOf } from "../platform/stub.ts";
import { Schedule } from "../platform/schedule.ts";
import { hiveIdOf, jobIdOf, jobIndexOf, type JobPlan, type Scenario } from "../scenario/scenario.ts";
import { Client } from "./client.ts";
import { Machine } from "./machine.ts";
import { strike } from "./strike.ts";

const COLONY = "main";
/** When everything must be over: every dispatch may cost a lease and a take-up, and the audit has to come by. */
const DEADLINE_MS = 900_000;
/** A world that never rests is broken too. */
const STEPS_MAX = 60_000;
/** What is still on its way when everything seems over may yet break something. */
const AFTERMATH_MS = 2_000;
/** Alarms are late, and those that failed come again. */
const RETENTION_LATE_MS = 120_000;
/** Looking whether everything is over costs; so often is enough. */
const LOOK_EVERY = 4;

function objectClass(Class: { readonly prototype: object }): ObjectClass {
  const Constructor = Class as unknown as new (ctx: unknown, env: unknown) => Instance;
  return { create: (ctx, env) => new Constructor(ctx, env), Stub: stubOf(Class) };
}

const objects = { JOB: objectClass(JobObject), HIVE: objectClass(HiveObject), REGISTRY: objectClass(RegistryObject) };

export interface Outcome {
  readonly failure: string | undefined;
  readonly steps: number;
  /** Virtual time that passed. */
  readonly ms: number;
}

/** The queen's platform, machines, clients and readers of one scenario, and what strikes them. */
export class World {
  readonly scenario: Scenario;
  readonly schedule = new Schedule();
  readonly random: Random;
  readonly faults: Faults;
  readonly platform: Platform;
  readonly registry: Actor;
  readonly watch: Watch;
  readonly machines: readonly Machine[];
  readonly clients: readonly Client[];
  readonly #trace: ((line: string) => void) | undefined;
  #failure: string | undefined;

  constructor(scenario: Scenario, trace?: (line: string) => void) {
    this.scenario = scenario;
    this.#trace = trace;
    this.random = new Random(scenario.seed + 1);
    this.faults = new Faults(scenario.faults);
    this.watch = new Watch(this);
    this.platform = new Platform({
      schedule: this.schedule,
      random: this.random,
      faults: this.faults,
      observer: this.watch,
      objects,
      latency_ms: scenario.latency_ms,
      trace: (line) => this.trace(line),
    });
    this.machines = scenario.hives.map((plan, i) => new Machine(this, hiveIdOf(i), plan));
    this.clients = scenario.jobs.map((plan, i) => new Client(this, jobIdOf(i), plan));
    this.registry = this.platform.actor("REGISTRY", COLONY);
  }

  get isTraced(): boolean {
    return this.#trace !== undefined;
  }

  trace(line: () => string): void {
    this.#trace?.(`${String(this.schedule.now).padStart(7)} ${line()}`);
  }

  /** An invariant is broken: the first counts. */
  fail(why: string): void {
    this.trace(() => `BROKEN: ${why}`);
    this.#failure ??= why;
  }

  jobActor(job_id: string): Actor {
    return this.platform.actor("JOB", `${COLONY}/${job_id}`);
  }

  planOf(job_id: string): JobPlan {
    const plan = this.scenario.jobs[jobIndexOf(job_id)];
    if (plan === undefined) throw new Error(`no plan for ${job_id}`);
    return plan;
  }

  /** Inside of `onPlatform`. */
  run(): Outcome {
    enterWorld({
      time: () => this.platform.queenTime(),
      random: () => this.random.next(),
      said: (line) => this.watch.logged(line),
      later: (run) => this.platform.pause(run),
    });
    this.#begin();
    this.#play();
    if (this.#failure === undefined) verdict(this);
    if (this.#failure === undefined && this.scenario.outlives) this.#outlive();
    return { failure: this.#failure, steps: this.schedule.steps, ms: this.schedule.now };
  }

  #begin(): void {
    const fleet = new Fleet(this.registry.storage.db);
    for (const machine of this.machines) {
      fleet.enrol(machine.id, this.platform.queenTime());
      this.schedule.at(machine.plan.at, () => machine.switchOn());
    }
    this.registry.storage.confirm();
    for (const fault of this.faults.timed) this.schedule.at(fault.at, () => strike(this, fault));
  }

  #play(): void {
    const calm = Math.max(0, ...this.faults.timed.map(endOf));
    let end = Infinity;
    while (this.#failure === undefined && this.schedule.step()) {
      if (this.schedule.now > end) return;
      if (this.schedule.steps % LOOK_EVERY !== 0 || end !== Infinity) continue;
      if (this.schedule.now >= calm && this.watch.isOver()) end = this.schedule.now + AFTERMATH_MS;
      else if (this.schedule.now > DEADLINE_MS || this.schedule.steps > STEPS_MAX)
        return this.fail(`not over: ${this.watch.unfinished()?.()}`);
    }
  }

  /** A log's time is up an hour after its job's end: then nothing of the job is left. */
  #outlive(): void {
    // By a clock that went back since, it did not end yet.
    if (this.scenario.faults.some(({ kind }) => kind === "queen_clock")) return;
    const end = this.schedule.now + limits.job_retention_ms + RETENTION_LATE_MS;
    while (this.schedule.now < end && this.schedule.step());
    for (const { job_id, actor } of this.clients)
      if (!actor.storage.isEmpty) this.fail(`${job_id} is still there an hour after its end`);
  }
}

/** When a fault is over. A clock that jumped stays where it is, and nothing waits for that. */
function endOf(fault: TimedFault): number {
  if (fault.kind === "hive_clock") return fault.at;
  if (fault.kind === "queen_clock") return fault.at + (fault.back_ms ?? 0);
  return fault.at + ("ms" in fault ? fault.ms : 0) + ("down_ms" in fault ? fault.down_ms : 0);
}
