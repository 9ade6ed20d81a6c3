import { limits } from "@rbee/contracts";
import type { Actor } from "../platform/actor.ts";
import type { Agent } from "../world/agent.ts";
import type { SimLine } from "../world/dial.ts";
import type { World } from "../world/world.ts";
import { phaseOf } from "./records.ts";
import { journaled } from "./sent.ts";

/** For messages that are on their way and alarms that are a little late. */
const SLACK_MS = 2_000;
/** A handler that listens is at its end by then. */
const PROMPT_MS = 1_000;
/** With these the end may be late for good reasons. */
const DELAYS_END = new Set(["alarm_late", "queen_clock", "commit_slow", "commit_lost", "evict", "deploy", "hibernate"]);
const DELAYS_HIVE = new Set(["pause", "suspend", "disk_full", "power"]);
const CLOSED = 3;
const LOSES_WORDS = new Set(["drop", "truncate", "stall", "overtaken", "duplicate", "doubled"]);

/** Somebody cancelled: the hive is told and stops, or is left behind when the grace is over. */
export class Cancels {
  readonly #world: World;
  readonly #since = new Map<Actor, number>();

  constructor(world: World) {
    this.#world = world;
  }

  /** A job is written as one that is to be stopped. */
  wanted(job: Actor): void {
    if (this.#since.has(job)) return;
    const { schedule } = this.#world;
    this.#since.set(job, schedule.now);
    if (this.#has(DELAYS_END)) return;
    schedule.after(limits.cancel_grace_ms + SLACK_MS, () => {
      const text = job.storage.db.peek("job")[0]?.["phase"] as string | undefined;
      if (text !== undefined && phaseOf(text).finished_at === undefined)
        this.#world.fail(`${job.name} was cancelled long ago and is ${text}`);
    });
  }

  /** The queen ended a cancelled job herself: then she cannot have had a line to a hive that listens. */
  ended(job: Actor, plan: { readonly listens: boolean }): void {
    const { now } = this.#world.schedule;
    const since = this.#since.get(job);
    if (since === undefined || now - since < limits.cancel_grace_ms - SLACK_MS || !plan.listens) return;
    if (this.#has(LOSES_WORDS) || this.#has(DELAYS_HIVE) || this.#has(DELAYS_END)) return;
    // The end itself is what closes it.
    const lane = job.sockets.find((ws) => ws.tags.includes("lane") && ws.readyState !== CLOSED);
    if (lane?.pipe?.isOpen === true && now - lane.pipe.openedAt > SLACK_MS)
      this.#world.fail(`${job.name} was cancelled ${now - since} ms ago, and its hive on an open lane was not told`);
  }

  /** A hive was told. */
  heard(agent: Agent, line: SimLine, text: string): void {
    if (this.#has(DELAYS_HIVE)) return;
    const said = /"job_id":"(\w+)","term":(\d+)/.exec(text);
    const { job_id, term } = line.lane ?? { job_id: said?.[1] ?? "", term: Number(said?.[2]) };
    if (job_id === "" || text.includes('"frames"')) return;
    // A word about what it does not have, as when it overtook the operation, is said again in answer to the first words.
    if (!journaled(agent, job_id, term).isHeld) return;
    const { listens } = this.#world.planOf(job_id);
    this.#world.schedule.after(listens ? PROMPT_MS : limits.cancel_grace_ms + SLACK_MS, () => {
      if (!agent.isAlive || agent.isPaused) return;
      const { isHeld, outcome } = journaled(agent, job_id, term);
      if (isHeld && outcome == null) this.#world.fail(`${line.label}: ${job_id} was cancelled and goes on`);
    });
  }

  #has(kinds: ReadonlySet<string>): boolean {
    return this.#world.scenario.faults.some(({ kind }) => kinds.has(kind));
  }
}
