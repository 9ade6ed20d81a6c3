import type { Placement } from "@rbee/job-core";
import type { Actor } from "../platform/actor.ts";
import type { World } from "../world/world.ts";
import { parsedOnce, phaseOf, type StoredPhase } from "./records.ts";

/** A release is a call and a write away. */
const SETTLED_MS = 1_000;
const RELEASED_MS = 5_000;
/** With these a release may be lost, and the audit brings it about. */
const LOSES_CALLS = new Set([
  "call_lost",
  "answer_lost",
  "call_slow",
  "answer_slow",
  "commit_lost",
  "commit_slow",
  "evict",
  "deploy",
  "hibernate",
]);

interface Line {
  readonly term: number;
  readonly placement: Placement | undefined;
}

/** The registry's books and the jobs themselves, at each moment that something of them is durable. */
export class Books {
  readonly #world: World;
  /** Who had each job last. */
  readonly #hives = new Map<string, string | undefined>();
  readonly #callsHold: boolean;

  constructor(world: World) {
    this.#world = world;
    this.#callsHold = !world.scenario.faults.some(({ kind }) => LOSES_CALLS.has(kind));
  }

  /** Who has a job has it in the books, in the same term. */
  agree(job_id: string, from: StoredPhase | undefined): void {
    const job = this.#world.jobActor(job_id);
    const text = job.storage.db.peek("job")[0]?.["phase"] as string | undefined;
    const phase = text === undefined ? undefined : phaseOf(text);
    if (phase?.state !== "placed") return;
    const line = this.#lineOf(job_id);
    if (line?.placement === undefined || line.term !== phase.term || line.placement.hive_id !== phase.hive_id)
      this.#world.fail(`${job_id} is ${text}, the books say ${JSON.stringify(line)}`);
    this.#another(job_id, phase.hive_id, from);
  }

  /** A hive that lost a job is not given it again at once, if there is another one. */
  #another(job_id: string, hive_id: string | undefined, from: StoredPhase | undefined): void {
    const before = this.#hives.get(job_id);
    this.#hives.set(job_id, hive_id);
    if (!this.#callsHold || before !== hive_id || from?.position !== undefined) return;
    const { machines, scenario, registry } = this.#world;
    const plan = this.#world.planOf(job_id);
    if (scenario.jobs.length > 1 || plan.hive !== undefined || plan.operation !== "infer") return;
    const rows = registry.storage.db.peek("hives");
    const other = machines.find(({ id, plan: { workers, version, at }, agent }) => {
      const row = rows.find((row) => row["hive_id"] === id);
      const since = this.#world.platform.queenTime() - Number(row?.["last_seen"]);
      return (
        id !== hive_id &&
        workers > 0 &&
        version === 2 &&
        agent?.isAlive === true &&
        since > SETTLED_MS &&
        at === 0 &&
        row?.["connected"] === 1 &&
        row["draining"] === 0
      );
    });
    if (other !== undefined) this.#world.fail(`${job_id} was given again to ${hive_id}, and ${other.id} is free`);
  }

  /** The place of an ended job is free soon. */
  ended(job_id: string): void {
    if (!this.#callsHold) return;
    this.#world.schedule.after(RELEASED_MS, () => {
      const line = this.#lineOf(job_id);
      if (line !== undefined) this.#world.fail(`${job_id} ended and is still ${JSON.stringify(line)}`);
    });
  }

  confirmed(registry: Actor): void {
    const { db } = registry.storage;
    for (const row of db.peek("open_jobs")) this.agreesWith(row["job_id"] as string);
  }

  /** Lines of a later term than the job's are on their way to it. */
  agreesWith(job_id: string): void {
    const text = this.#world.jobActor(job_id).storage.db.peek("job")[0]?.["phase"] as string | undefined;
    const phase = text === undefined ? undefined : phaseOf(text);
    const line = this.#lineOf(job_id);
    if (phase?.state === "placed" && line?.term === phase.term && line.placement?.hive_id !== phase.hive_id)
      this.#world.fail(`${job_id} is ${text}, the books say ${JSON.stringify(line)}`);
  }

  #lineOf(job_id: string): Line | undefined {
    const row = this.#world.registry.storage.db.peek("open_jobs").find((row) => row["job_id"] === job_id);
    if (row === undefined) return undefined;
    const placement = row["placement"] as string | null;
    return {
      term: row["term"] as number,
      placement: placement === null ? undefined : (parsedOnce(placement) as Placement),
    };
  }
}
