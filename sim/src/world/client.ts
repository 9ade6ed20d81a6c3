import { limits, parseInput, type JobView } from "@rbee/contracts";
import type { Actor } from "../platform/actor.ts";
import { hiveIdOf, type JobPlan, type ReaderPlan, type Scenario } from "../scenario/scenario.ts";
import { Reader } from "./reader.ts";
import type { World } from "./world.ts";

type Answer = { ok: { created: boolean } } | { problem: { code: string } };

/** Whose all jobs are. */
const holder = { key_id: "owner", scope: "infer" } as const;

const RETRY_MS = 500;
/** A clock that jumps so far can end a log's time. */
const EARLY_MS = limits.job_retention_ms / 2;
export const forgetsEarly = ({ faults }: Scenario): boolean =>
  faults.some((fault) => fault.kind === "queen_clock" && Math.abs(fault.ms) > EARLY_MS);

/** Parsed once: the boundary is not what is simulated. */
const inputs = new Map<string, Record<string, unknown>>();
function inputOf({ operation, hive, continues }: JobPlan): Record<string, unknown> {
  const key = `${operation} ${hive} ${continues}`;
  let input = inputs.get(key);
  if (input === undefined) {
    const named = hive === undefined ? {} : { hive_id: hiveIdOf(hive) };
    const on_lost = continues ? { on_lost: "continue" } : {};
    input = parseInput(operation, operation === "infer" ? { prompt: "x", model: "bee", ...named, ...on_lost } : named);
    inputs.set(key, input);
  }
  return input;
}

/** The one who waits for the answer to the submission itself; one whose leaving counts does leave. */
const submittersReader = ({ at, cancels_on_leave, tokens }: JobPlan): ReaderPlan => ({
  at,
  slow_ms: 0,
  drops: [],
  window: undefined,
  leaves_after: cancels_on_leave ? Math.min(2, tokens) : undefined,
});

/** Who submits a job, over the Worker, and maybe cancels it. */
export class Client {
  readonly job_id: string;
  readonly plan: JobPlan;
  readonly readers: Reader[];
  /** What became of the submission. `unknown`: the answer was lost and nobody asked again. */
  submission: "out" | "accepted" | "refused" | "unknown" = "out";
  readonly #world: World;
  readonly #actor: Actor;
  #tries = 0;

  constructor(world: World, job_id: string, plan: JobPlan) {
    this.#world = world;
    this.job_id = job_id;
    this.plan = plan;
    this.#actor = world.jobActor(job_id);
    const streaming = plan.streams ? [submittersReader(plan)] : [];
    this.readers = [...streaming, ...plan.readers].map(
      (reader, i) => new Reader(world, this, { plan: reader, index: i }),
    );
    world.schedule.at(plan.at, () => this.#submit(world.platform.queenTime()));
    for (const at of plan.cancels) world.schedule.at(plan.at + at, () => this.#cancel());
  }

  /** Whether nothing is expected any more, of the submission and of every reader. */
  get isDone(): boolean {
    return this.submission !== "out" && this.readers.every((reader) => reader.isDone);
  }

  /** Its time was up by a clock that was wrong, and the log is gone. */
  get isForgotten(): boolean {
    return forgetsEarly(this.#world.scenario) && this.submission === "accepted" && this.#actor.storage.isEmpty;
  }

  get actor(): Actor {
    return this.#actor;
  }

  #submit(submitted_at: number): void {
    const { operation } = this.plan;
    const spec = {
      job_id: this.job_id,
      colony: "main",
      operation,
      input: inputOf(this.plan),
      key_id: holder.key_id,
      submitted_at,
    };
    const first = this.#tries++ === 0;
    this.#world.platform.call<Answer>(undefined, this.#actor, { method: "submit", args: [spec] }).then(
      (answer) => {
        this.submission = "ok" in answer ? "accepted" : "refused";
        if ("problem" in answer) this.#world.trace(() => `${this.job_id} refused: ${answer.problem.code}`);
      },
      () => {
        if (this.plan.retries)
          this.#world.schedule.after(RETRY_MS, () => this.#submit(this.#world.platform.queenTime()));
        else this.submission = "unknown";
      },
    );
    if (first && this.plan.streams) this.readers[0]?.connect(true);
  }

  #cancel(): void {
    this.#world.trace(() => `somebody cancels ${this.job_id}`);
    this.#world.platform
      .call<JobView | undefined>(undefined, this.#actor, { method: "cancel", args: [holder] })
      .catch(() => this.#world.schedule.after(RETRY_MS, () => this.#cancel()));
  }
}
