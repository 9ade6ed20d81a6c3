import type { RbeeError } from "@rbee/sdk";
import type { Gap, StreamClock } from "./gaps.ts";
import { JobRun, type JobPlan } from "./job-run.ts";
import type { Excuse, JobRecord } from "./ledger.ts";
import type { Random } from "./random.ts";
import { promptOf, textOf } from "./text.ts";
import { REAL_HIVE, SYNTHETIC, type World } from "./world.ts";

/** What the real engine is asked, and what it says to it every time but the first. */
export interface RealPrompt {
  readonly input: Readonly<Record<string, unknown>>;
  readonly text: string;
}

export interface WorkloadOptions {
  /** Jobs that are open at any time. */
  readonly jobs: number;
  readonly hives: readonly string[];
  readonly real: RealPrompt | undefined;
}

/** Of jobs that name no hive. */
const ANY_HIVE = "";
const CUTS = 0.02;
/** Jobs without tokens: what anyone may ask of a fleet at any time. */
const QUESTIONS = ["status", "active_worker_list", "hive_list"] as const;
const HIVE_QUESTIONS = ["hive_status", "model_list", "worker_process_list"] as const;
/** Refusals that are an honest answer while processes are down. */
const HONEST_REFUSALS = /^(hive_offline|unavailable) /;

/** A seeded stream of jobs that keeps so many open until it is told to end. */
export class Workload {
  readonly gaps: Gap[] = [];
  readonly records: JobRecord[] = [];
  /** Jobs the queen would not have, and should have. */
  readonly refused: string[] = [];
  readonly #world: World;
  readonly #random: Random;
  readonly #options: WorkloadOptions;
  readonly #open = new Set<JobRun>();
  readonly #given = new AbortController();
  /** Hives of which a worker is being stopped: what begins meanwhile may be on it yet. */
  readonly #stopping = new Set<string>();
  #realBusy = false;
  #spawning = false;
  #ending = false;

  constructor(world: World, random: Random, options: WorkloadOptions) {
    this.#world = world;
    this.#random = random;
    this.#options = options;
  }

  /** Keeps going until `end`; resolves when every job is over. */
  async run(): Promise<void> {
    await Promise.all(Array.from({ length: this.#options.jobs }, () => this.#keepOneOpen()));
  }

  end(): void {
    this.#ending = true;
  }

  /** What is still open has waited long enough. @returns what hangs */
  giveUp(): string[] {
    const hanging = [...this.#open].map((run) => run.describe());
    this.#given.abort();
    return hanging;
  }

  /** Streams that have begun and not ended, of one hive or of all. */
  midstream(hive?: string): StreamClock[] {
    return [...this.#open]
      .map(({ clock }) => clock)
      .filter((clock) => clock.midstream && (hive === undefined || clock.hive === hive));
  }

  /** Something happened that jobs which are open now, of one hive or of all, may fail of; none that comes after it may. */
  excuse(why: Excuse, hive?: string): void {
    for (const run of this.#open) if (hive === undefined || mayBeAt(hive, run)) run.excuses.add(why);
  }

  async #keepOneOpen(): Promise<void> {
    const { signal } = this.#given;
    while (!this.#ending && !signal.aborted) {
      const plan = this.#plan();
      const context = { world: this.#world, random: this.#random.fork(), gaps: this.gaps, signal };
      const run = new JobRun(plan, context);
      this.#open.add(run);
      for (const hive of this.#stopping) if (mayBeAt(hive, run)) run.excuses.add("worker_killed");
      const record = await run.run();
      this.#open.delete(run);
      if (plan.hive === REAL_HIVE) this.#realBusy = false;
      if (record !== undefined && !signal.aborted) this.records.push(record);
      if (record?.operation === "worker_spawn") await this.#stopAgain(record);
      if (run.refusal !== undefined && !HONEST_REFUSALS.test(run.refusal)) this.refused.push(run.refusal);
    }
  }

  /** Stops the worker that a job has started: one more at a time is enough. */
  async #stopAgain({ log, state }: JobRecord): Promise<void> {
    const last = JSON.parse(log.at(-1)?.data ?? "{}") as { result?: { pid: number; worker_id: string } };
    const hive_id = this.#hiveOf(last.result?.worker_id ?? "");
    if (state === "succeeded" && last.result !== undefined && hive_id !== undefined) {
      this.#stopping.add(hive_id);
      this.excuse("worker_killed", hive_id);
      const input = { hive_id, pid: last.result.pid };
      const gone = () => void this.#stopping.delete(hive_id);
      // Killed by someone else meanwhile: as good. Else its hive is away, and may stop it whenever it is back.
      await this.#world.house
        .client()
        .run("worker_process_delete", input, { signal: this.#given.signal })
        .then(gone, (error: RbeeError) => (error.code === "worker_not_found" ? gone() : undefined));
    }
    this.#spawning = false;
  }

  #hiveOf(worker_id: string): string | undefined {
    return this.#options.hives.find((hive) => worker_id.includes(`-${hive}-`));
  }

  #plan(): JobPlan {
    const dice = this.#random;
    const readers = dice.int(1, 3);
    const base = { readers, cuts: CUTS, cancelAfter: undefined, expected: undefined };
    const { real, hives } = this.#options;
    if (real !== undefined && !this.#realBusy && dice.chance(0.3)) {
      this.#realBusy = true;
      return { ...base, operation: "infer", hive: REAL_HIVE, input: real.input, expected: real.text };
    }
    if (dice.chance(0.1)) return { ...base, operation: dice.pick(QUESTIONS), input: {}, hive: ANY_HIVE };
    const hive = dice.pick(hives);
    if (!this.#spawning && dice.chance(0.05)) {
      this.#spawning = true;
      return { ...base, operation: "worker_spawn", hive, input: { hive_id: hive, model: SYNTHETIC, slots: 1 } };
    }
    if (dice.chance(0.1)) return { ...base, operation: dice.pick(HIVE_QUESTIONS), input: { hive_id: hive }, hive };
    return { ...base, ...this.#inference(hive) };
  }

  #inference(hive: string): Pick<JobPlan, "operation" | "hive" | "input" | "expected" | "cancelAfter"> {
    const dice = this.#random;
    const seed = dice.int(1, 1_000_000);
    const max_tokens = dice.chance(0.2) ? dice.int(1, 12) : dice.int(100, 400);
    const on_lost = dice.chance(0.4) ? "continue" : "fail";
    const input = { model: SYNTHETIC, prompt: promptOf(seed, dice.int(5, 30)), max_tokens, temperature: 0, on_lost };
    const named = dice.chance(0.7);
    return {
      operation: "infer",
      hive: named ? hive : ANY_HIVE,
      input: named ? { ...input, hive_id: hive } : input,
      expected: textOf(seed, max_tokens),
      cancelAfter: dice.chance(0.12) ? dice.int(1, 60) : undefined,
    };
  }
}

const mayBeAt = (hive: string, { plan }: JobRun): boolean => plan.hive === hive || plan.hive === ANY_HIVE;
