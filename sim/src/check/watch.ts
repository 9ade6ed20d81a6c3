import type { Actor } from "../platform/actor.ts";
import type { Observer } from "../platform/platform.ts";
import type { ServerSocket } from "../platform/socket.ts";
import type { Reader } from "../world/reader.ts";
import type { World } from "../world/world.ts";
import { Books } from "./books.ts";
import { Cancels } from "./cancels.ts";
import { Leases } from "./leases.ts";
import { Lines } from "./lines.ts";
import { watchMemory } from "./memory.ts";
import { ackedIn, coverage, phaseOf, type StoredPhase } from "./records.ts";
import { Runs } from "./runs.ts";
import { Sent } from "./sent.ts";
import { Shown } from "./shown.ts";
import { checkStep } from "./steps.ts";

/** Failures of calls that the faults brought about; any other exception of an object is a bug. */
const EXPECTED = /the call was lost|the object was reset/;

/** Looks at everything while it happens: what must hold at each moment. */
export class Watch implements Observer {
  readonly #world: World;
  /** Each job's phase as it was last confirmed. */
  readonly #phases = new Map<Actor, { readonly text: string; readonly phase: StoredPhase }>();
  readonly sent: Sent;
  readonly runs: Runs;
  readonly lines: Lines;
  readonly cancels: Cancels;
  readonly #leases: Leases;
  readonly #books: Books;
  readonly #shown: Shown;

  constructor(world: World) {
    this.#world = world;
    this.sent = new Sent(world);
    this.runs = new Runs(world);
    this.lines = new Lines(world);
    this.cancels = new Cancels(world);
    this.#leases = new Leases(world);
    this.#books = new Books(world);
    this.#shown = new Shown(world);
    watchMemory((why) => world.fail(why));
  }

  turn(actor: Actor, what: string): void {
    if (!actor.name.startsWith("JOB/")) return;
    if (what === "webSocketClose") this.#leases.broken(actor);
    if (what === "prelude") this.#leases.word(actor);
  }

  heard(ws: ServerSocket): void {
    this.#leases.heard(ws);
    this.lines.heard(ws);
  }

  confirmed(actor: Actor): void {
    if (actor === this.#world.registry) return this.#books.confirmed(actor);
    if (!actor.name.startsWith("JOB/")) return;
    const text = actor.storage.db.peek("job")[0]?.["phase"] as string | undefined;
    const before = this.#phases.get(actor);
    if (text === undefined || text === before?.text) return;
    const [from, to] = [before?.phase, phaseOf(text)];
    this.#phases.set(actor, { text, phase: to });
    checkStep(this.#world, actor, { from, to });
    if (to.cancel_until !== undefined) this.cancels.wanted(actor);
    if (from?.term !== to.term) this.#moved(actor, text, from);
    if (to.finished_at !== undefined) this.#ended(actor, to);
  }

  #moved(actor: Actor, text: string, from: StoredPhase | undefined): void {
    if (text.includes("was silent too long")) this.#leases.silent(actor);
    const { state } = phaseOf(text);
    if (state !== "placed") return;
    this.#leases.placed(actor);
    this.#books.agree(jobIdIn(actor), from);
  }

  #ended(actor: Actor, { term, state, dispatches }: StoredPhase): void {
    if (state === "cancelled" && term % 2 === 0) this.cancels.ended(actor, this.#world.planOf(jobIdIn(actor)));
    if (dispatches > 0) this.#books.ended(jobIdIn(actor));
  }

  /** What the queen says is true when she says it: acknowledged is durable, and so is an end. */
  said(ws: ServerSocket, text: string): void {
    const { actor } = ws;
    if (actor === undefined) return;
    if (!text.includes('"t":')) return this.#shown.said(actor, text);
    this.lines.said(ws, text);
    this.#leases.said(ws, text);
    for (const { job_id, term, acked, ended } of ackedIn(ws, text)) {
      const job = job_id === undefined ? actor : this.#world.jobActor(job_id);
      const { db } = job.storage;
      // Its time was up, by a clock that jumped, before this word was out.
      if (this.#world.clients.some(({ actor, isForgotten }) => actor === job && isForgotten)) continue;
      if (acked > coverage(db, term))
        this.#world.fail(`${job.name} acknowledged ${term}.${acked}, durable is ${term}.${coverage(db, term)}`);
      const phase = ended ? phaseOf(db.peek("job")[0]?.["phase"] as string) : undefined;
      if (phase?.state === "placed" && phase.term === term)
        this.#world.fail(`${job.name} acknowledged the end of term ${term}, which is not durable`);
    }
  }

  failed(actor: Actor, error: unknown): void {
    if (!EXPECTED.test(String(error)))
      this.#world.fail(`${actor.name} broke: ${error instanceof Error ? error.stack : String(error)}`);
  }

  /** The operator's log: lost calls are told there, anything else there is a bug. */
  logged(line: string): void {
    this.#world.trace(() => `log: ${line}`);
    if (!EXPECTED.test(line)) this.#world.fail(`an object broke: ${line}`);
  }

  /** What has no id is no event of the log: only that a hive is away, or back. */
  notice(reader: Reader, block: string): void {
    if (!/^data: \{"type":"narration","actor":"queen","action":"hive_(away|back)"/.test(block))
      this.#world.fail(`${reader.label} got ${JSON.stringify(block)}`);
  }

  /** Whether nothing is expected any more of anyone. */
  isOver(): boolean {
    return this.unfinished() === undefined;
  }

  /** What is still expected, in words that are only made when somebody asks. */
  unfinished(): (() => string) | undefined {
    const { clients, machines, registry } = this.#world;
    for (const client of clients) {
      const phase = client.actor.storage.db.peek("job")[0]?.["phase"] as string | undefined;
      if (!client.isDone) return () => `the client of ${client.job_id} waits (${client.submission}; ${phase})`;
      if (phase !== undefined && !phase.includes('"finished_at"')) return () => `${client.actor.name} is ${phase}`;
    }
    const [open] = registry.storage.db.peek("open_jobs");
    if (open !== undefined) return () => `the registry holds ${JSON.stringify(open)}`;
    for (const { id, agent, disk } of machines) {
      if (agent === undefined || !agent.isAlive || agent.isPaused) return () => `${id} is not up`;
      const [held] = disk.db.peek("jobs");
      if (held !== undefined) return () => `${id} holds ${JSON.stringify(held)}`;
    }
    return undefined;
  }
}

const jobIdIn = ({ name }: Actor): string => name.slice(name.lastIndexOf("/") + 1);
