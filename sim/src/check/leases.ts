import { limits } from "@rbee/contracts";
import type { Actor } from "../platform/actor.ts";
import type { ServerSocket } from "../platform/socket.ts";
import type { World } from "../world/world.ts";
import { phaseOf } from "./records.ts";

/** A clock may have jumped by so much without being noticed. */
const TOLERANCE_MS = limits.alarm_late_ms + 1_000;
/** For alarms and calls that take their time. */
const SLACK_MS = 2_000;
/** With these a loss may be found late, or not in the quickest way. */
const DELAYS = new Set(["alarm_late", "commit_lost", "commit_slow", "evict", "deploy", "hibernate"]);
const LOSES_CALLS = new Set(["call_lost", "answer_lost", "call_slow", "answer_slow"]);

/** In true time: a hive that shows itself keeps its job, whatever the queen's clock says; one that does not loses it soon. */
export class Leases {
  readonly #world: World;
  /** When each job's current hive was last heard, or was given the job. */
  readonly #signs = new Map<Actor, number>();
  /** When it last said something for the job on its control line: it lives, though not on its lane. */
  readonly #words = new Map<Actor, number>();
  readonly #placedAt = new Map<Actor, number>();
  /** When each hive was last welcome, and what it held then. */
  readonly #hellos = new Map<string, { readonly at: number; readonly held: ReadonlySet<unknown> }>();
  /** Each clock that jumps may cost a lease its tolerance; more of them at once prove nothing. */
  readonly #jumps: number;
  readonly #prompt: boolean;
  readonly #callsHold: boolean;

  constructor(world: World) {
    this.#world = world;
    const { faults } = world.scenario;
    this.#jumps = faults.filter(({ kind }) => kind === "queen_clock").length;
    this.#prompt = !faults.some(({ kind }) => DELAYS.has(kind));
    this.#callsHold = !faults.some(({ kind }) => LOSES_CALLS.has(kind));
  }

  /** Only what a hive says on its lane keeps it the job. */
  heard({ actor, tags, readyState }: ServerSocket): void {
    if (actor !== undefined && tags.includes("lane") && readyState === 1)
      this.#signs.set(actor, this.#world.schedule.now);
  }

  word(job: Actor): void {
    this.#words.set(job, this.#world.schedule.now);
  }

  said({ actor }: ServerSocket, text: string): void {
    if (actor === undefined || !text.includes('"t":"welcome"')) return;
    const hive_id = idIn(actor);
    const rows = this.#world.machines.find(({ id }) => id === hive_id)?.disk.db.peek("jobs") ?? [];
    this.#hellos.set(hive_id, { at: this.#world.schedule.now, held: new Set(rows.map((row) => row["job_id"])) });
  }

  /** The job was given to a hive. */
  placed(job: Actor): void {
    this.#signs.set(job, this.#world.schedule.now);
    this.#placedAt.set(job, this.#world.schedule.now);
    this.#lastsNoLonger(job, limits.lease_ms + limits.take_up_ms);
  }

  /** A lane broke: a job that another hive can go on with is not held up for a whole lease. */
  broken(job: Actor): void {
    if (job.sockets.some((ws) => ws.tags.includes("lane") && ws.readyState === 1)) return;
    // Of an earlier term's hive.
    if ((this.#signs.get(job) ?? 0) <= (this.#placedAt.get(job) ?? 0)) return;
    const { continues, operation } = this.#world.planOf(idIn(job));
    this.#lastsNoLonger(job, continues && operation === "infer" ? limits.failover_ms : limits.lease_ms);
  }

  /** The queen took the job from its hive because that was silent. */
  silent(job: Actor): void {
    const since = this.#world.schedule.now - (this.#signs.get(job) ?? 0);
    const lane = job.sockets.find((ws) => ws.tags.includes("lane") && ws.readyState === 1);
    const least = lane === undefined ? Math.min(limits.failover_ms, limits.take_up_ms) : limits.lease_ms;
    if (this.#jumps <= 1 && since < least - (this.#jumps === 0 ? 0 : TOLERANCE_MS))
      this.#world.fail(`${job.name} was taken from a hive that was heard ${since} ms ago`);
    this.#mustBeThere(job);
  }

  /** A hive that said hello without the job was not to be waited for. */
  #mustBeThere(job: Actor): void {
    const text = job.storage.db.peek("log").at(-1)?.["body"] as string | undefined;
    const hive_id = /(hive-\d) was silent too long/.exec(text ?? "")?.[1];
    const hello = this.#hellos.get(hive_id ?? "");
    if (!this.#prompt || !this.#callsHold || job.life > 1 || hello === undefined) return;
    const [since, { now }] = [this.#placedAt.get(job) ?? 0, this.#world.schedule];
    if (hello.at < since + SLACK_MS || now - hello.at < SLACK_MS) return;
    // An earlier term of it is found out by the lease only.
    if (!hello.held.has(idIn(job)))
      this.#world.fail(`${job.name} was left with ${hive_id}, which came back without it ${now - hello.at} ms ago`);
  }

  /** Unless the hive shows itself until then, the job is taken from it, or was: it never waits for ever. */
  #lastsNoLonger(job: Actor, ms: number): void {
    if (!this.#prompt || !this.#callsHold) return;
    const before = placedIn(job);
    if (before === undefined) return;
    const { schedule } = this.#world;
    const begun = schedule.now;
    // After a jump a lease counts from when that was noticed.
    schedule.after(ms + 2 * this.#jumps * limits.lease_ms + SLACK_MS, () => {
      const heard = Math.max(this.#signs.get(job) ?? 0, this.#words.get(job) ?? 0) > begun;
      // A line that was dialled and is silent has a lease of its own.
      const dialled = job.sockets.some((ws) => ws.tags.includes("lane") && ws.readyState === 1);
      if (dialled && ms < limits.lease_ms) return;
      if (!heard && placedIn(job) === before)
        this.#world.fail(`${job.name} is with a hive that was not heard for ${schedule.now - begun} ms`);
    });
  }
}

/** The term in which a hive has the job. */
function placedIn(job: Actor): number | undefined {
  const text = job.storage.db.peek("job")[0]?.["phase"] as string | undefined;
  const phase = text === undefined ? undefined : phaseOf(text);
  return phase?.state === "placed" ? phase.term : undefined;
}

/** The last part of an object's name: a job's id, a hive's. */
const idIn = ({ name }: Actor): string => name.slice(name.lastIndexOf("/") + 1);
