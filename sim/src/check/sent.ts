import { limits } from "@rbee/contracts";
import type { Agent } from "../world/agent.ts";
import type { SimLine } from "../world/dial.ts";
import type { World } from "../world/world.ts";
import type { Row } from "../sql/table.ts";
import { coverage, highestAcked, parsedOnce } from "./records.ts";

/** From then on a silent queen may have given the job away. */
const FENCE_MS = limits.lease_ms - 5_000;

/** A window, and another one that was acknowledged elsewhere. */
const FLYING_MAX = 2 * limits.lane_window_events;
/** For an agent that has nothing else to do. */
const PROMPT_MS = 3_000;
const SILENCES = new Set(["pause", "suspend", "disk_full", "power"]);

/** How both begin: most of what is said is neither. */
const EVENT_OR_END = '"t":"e';

interface Frame {
  readonly t: string;
  readonly acked?: number;
  readonly first?: number;
  readonly items?: readonly unknown[];
  readonly final?: number;
}

interface Talk {
  /** Number of the last event that was said on the line. */
  last: number | undefined;
  /** Whether the hello was answered, and how often the queen has said since where to go on. */
  isConfirmed: boolean;
  restarts: number;
  /** By the queen, as far as it was heard. */
  acked: number;
  /** When an event was last said. */
  saidAt: number;
  /** By the machine's monotonic clock. */
  heardAt: number;
}

interface Message extends Frame {
  readonly job_id?: string;
  readonly term?: number;
  readonly frames?: readonly Frame[];
}

/** What an agent says: only what is journaled, in order, once per line, and not past its fence. */
export class Sent {
  readonly #world: World;
  readonly #talks = new WeakMap<SimLine, Talk>();
  /** What each event said, in worlds whose disks may lose some. */
  readonly #said: Map<string, string> | undefined;

  constructor(world: World) {
    this.#world = world;
    this.#said = world.scenario.faults.some(({ kind }) => kind === "power") ? new Map() : undefined;
  }

  heard(agent: Agent, line: SimLine, text: string): void {
    const { machine } = agent;
    const talk = this.#talkOf(line, machine.monotonic());
    talk.heardAt = machine.monotonic();
    talk.acked = Math.max(talk.acked, highestAcked(text));
    if (!text.includes('"t":"ready"')) return;
    // The first answers the hello; any later one means: go back to there.
    if (talk.isConfirmed) this.#mustGoBack(agent, line, talk);
    talk.restarts += text.split('"t":"ready"').length - (talk.isConfirmed ? 1 : 2);
    talk.isConfirmed = true;
  }

  said(agent: Agent, line: SimLine, text: string): void {
    if (!text.includes(EVENT_OR_END)) return;
    const message = parsedOnce(text) as Message | readonly Frame[];
    const frames = "t" in message ? (message.frames ?? [message]) : message;
    const { job_id, term } = "t" in message && message.job_id !== undefined ? message : (line.lane ?? {});
    if (job_id === undefined || term === undefined) return;
    const now = agent.machine.monotonic();
    // First words are said on the control line, each job's on their own.
    const talk = line.lane === undefined ? newTalk(now) : this.#talkOf(line, now);
    if (now - talk.heardAt > FENCE_MS) this.#fail(line, `spoke ${now - talk.heardAt} ms after it heard anything`);
    const journal = journaled(agent, job_id, term);
    for (const frame of frames) {
      if (frame.t === "ev") this.#event(line, talk, { frame, journal, key: `${job_id}.${term}` });
      if (frame.t !== "end") continue;
      if (journal.outcome == null) this.#fail(line, "said an end that is not journaled");
      const known = Math.max(talk.last ?? 0, coverage(this.#world.jobActor(job_id).storage.db, term));
      if ((frame.final ?? 0) > known) this.#fail(line, `said an end at ${frame.final}, and events up to ${known}`);
    }
  }

  /** What the queen has not is said again at once. */
  #mustGoBack(agent: Agent, line: SimLine, talk: Talk): void {
    const { schedule, scenario } = this.#world;
    const [askedAt, last, { job_id, term }] = [schedule.now, talk.last ?? 0, line.lane ?? {}];
    if (job_id === undefined || term === undefined || scenario.faults.some(({ kind }) => SILENCES.has(kind))) return;
    schedule.after(PROMPT_MS, () => {
      if (!agent.isAlive || agent.isPaused || line.isOver || talk.saidAt >= askedAt) return;
      const { db } = this.#world.jobActor(job_id).storage;
      if (coverage(db, term) < last) this.#fail(line, `did not go back, ${PROMPT_MS} ms after it was asked to`);
    });
  }

  #event(line: SimLine, talk: Talk, { frame, journal, key }: { frame: Frame; journal: Journaled; key: string }): void {
    const { first = 0, items = [] } = frame;
    if (!journal.chunks.some((chunk) => chunk["first"] === first))
      this.#fail(line, `said event ${first}, which is not journaled`);
    if (talk.last !== undefined && first !== talk.last + 1 && --talk.restarts < 0)
      this.#fail(line, `said ${first} behind ${talk.last}`);
    if (talk.last === undefined || first <= talk.last) talk.acked = Math.max(talk.acked, first - 1);
    talk.last = first + items.length - 1;
    talk.saidAt = this.#world.schedule.now;
    if (items.length < talk.last - talk.acked && talk.last - talk.acked > FLYING_MAX)
      this.#fail(line, `has ${talk.last - talk.acked} events on their way`);
    if (this.#said === undefined) return;
    for (const [i, item] of items.entries()) {
      const [event, text] = [`${key}.${first + i}`, JSON.stringify(item)];
      const before = this.#said.get(event) ?? text;
      if (before !== text) this.#fail(line, `said ${text} as ${event}, which was ${before}`);
      this.#said.set(event, text);
    }
  }

  #talkOf(line: SimLine, now: number): Talk {
    const talk = this.#talks.get(line) ?? newTalk(now);
    this.#talks.set(line, talk);
    return talk;
  }

  #fail({ label }: SimLine, why: string): void {
    this.#world.fail(`${label} ${why}`);
  }
}

const newTalk = (now: number): Talk => ({
  last: undefined,
  isConfirmed: false,
  restarts: 0,
  acked: 0,
  saidAt: 0,
  heardAt: now,
});

interface Journaled {
  /** Rows of events. */
  readonly chunks: readonly Row[];
  readonly outcome: unknown;
}

/** What an agent's journal holds of a term. */
export function journaled({ machine }: Agent, job_id: string, term: number): Journaled & { readonly isHeld: boolean } {
  const row = machine.disk.db.peek("jobs").find((row) => row["job_id"] === job_id);
  if (row === undefined || (parsedOnce(row["op"] as string) as { term: number }).term !== term)
    return { chunks: [], outcome: undefined, isHeld: false };
  const chunks = machine.disk.db.peek("chunks").filter(({ id }) => id === row["id"]);
  return { chunks, outcome: row["outcome"], isHeld: true };
}
