import type { Actor } from "../platform/actor.ts";
import type { Observer } from "../platform/platform.ts";
import type { ServerSocket } from "../platform/socket.ts";
import type { Reader } from "../world/reader.ts";
import type { World } from "../world/world.ts";
import { Leases } from "./leases.ts";
import { watchMemory } from "./memory.ts";
import { ackedIn, coverage, phaseOf } from "./records.ts";

/** Failures of calls that the faults brought about; any other exception of an object is a bug. */
const EXPECTED = /the call was lost|the object was reset/;

/** Looks at everything while it happens: what must hold at each moment. */
export class Watch implements Observer {
  readonly #world: World;
  readonly #terms = new Map<Actor, number>();
  readonly #ended = new Map<Actor, string>();
  readonly #leases: Leases;

  constructor(world: World) {
    this.#world = world;
    this.#leases = new Leases(world);
    watchMemory((why) => world.fail(why));
  }

  turn(): void {}

  heard(ws: ServerSocket): void {
    this.#leases.heard(ws);
  }

  /** Terms only grow, and an ending is final. */
  confirmed(actor: Actor): void {
    if (!actor.name.startsWith("JOB/")) return;
    const text = actor.storage.db.peek("job")[0]?.["phase"] as string | undefined;
    if (text === undefined) return;
    const ended = this.#ended.get(actor);
    if (ended !== undefined) {
      if (ended !== text) this.#world.fail(`${actor.name} ended twice: ${ended} and ${text}`);
      return;
    }
    const phase = phaseOf(text);
    const before = this.#terms.get(actor) ?? 0;
    if (phase.term < before) this.#world.fail(`${actor.name}: the term fell to ${phase.term}`);
    if (phase.term > before && text.includes("was silent too long")) this.#leases.silent(actor);
    if (phase.term > before && phase.state === "placed") this.#leases.placed(actor);
    this.#terms.set(actor, phase.term);
    if (phase.finished_at !== undefined) this.#ended.set(actor, text);
  }

  /** What the queen says is true when she says it: acknowledged is durable, and so is an end. */
  said(ws: ServerSocket, text: string): void {
    const { actor } = ws;
    if (actor === undefined || !text.includes('"t":')) {
      if (actor !== undefined) this.#shown(actor, text);
      return;
    }
    for (const { job_id, term, acked, ended } of ackedIn(ws, text)) {
      const job = job_id === undefined ? actor : this.#world.jobActor(job_id);
      const { db } = job.storage;
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
    return this.unfinished() === "";
  }

  unfinished(): string {
    const { clients, machines, registry } = this.#world;
    const waiting = clients.find((client) => !client.isDone);
    if (waiting !== undefined) {
      const { phase } = waiting.actor.storage.db.peek("job")[0] ?? {};
      return `the client of ${waiting.job_id} waits (${waiting.submission}; ${phase})`;
    }
    for (const { actor } of clients) {
      const phase = actor.storage.db.peek("job")[0]?.["phase"] as string | undefined;
      if (phase !== undefined && !phase.includes('"finished_at"')) return `${actor.name} is ${phase}`;
    }
    const [open] = registry.storage.db.peek("open_jobs");
    if (open !== undefined) return `the registry holds ${JSON.stringify(open)}`;
    for (const { id, agent, disk } of machines) {
      if (agent === undefined || !agent.isAlive || agent.isPaused) return `${id} is not up`;
      const [held] = disk.db.peek("jobs");
      if (held !== undefined) return `${id} holds ${JSON.stringify(held)}`;
    }
    return "";
  }

  /** A reader is shown events at once, but the last one only when the end is durable. */
  #shown(actor: Actor, text: string): void {
    if (!text.includes("data: [DONE]")) return;
    const phase = actor.storage.db.peek("job")[0]?.["phase"] as string | undefined;
    if (phase === undefined || !phase.includes('"finished_at"'))
      this.#world.fail(`${actor.name} told a reader an end that is not durable`);
  }
}
