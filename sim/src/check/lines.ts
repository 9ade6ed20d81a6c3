import { closes } from "@rbee/contracts";
import type { ServerSocket } from "../platform/socket.ts";
import type { Agent } from "../world/agent.ts";
import type { SimLine } from "../world/dial.ts";
import type { World } from "../world/world.ts";
import { phaseOf } from "./records.ts";
import { journaled } from "./sent.ts";

const OPEN = 1;
/** A journal is written some milliseconds after something was decided. */
const FORGOTTEN_MS = 1_000;

/** Connections: of each kind one counts, the newest, and nobody else is spoken to. */
export class Lines {
  readonly #world: World;
  readonly #dials = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
  }

  dialled({ machine }: Agent, line: SimLine): void {
    if (line.lane === undefined) return;
    const key = `${machine.id} ${line.lane.job_id}.${line.lane.term}`;
    this.#dials.set(key, (this.#dials.get(key) ?? 0) + 1);
  }

  closed(agent: Agent, line: SimLine, code: number): void {
    if (line.lane === undefined || !agent.isAlive) return;
    this.#keepsItsJob(agent, line.lane);
    if (code === closes.superseded.code) this.#supersededByItsOwn(agent, line);
  }

  /** Whatever becomes of a lane, a hive keeps what the queen takes it to have. */
  #keepsItsJob(agent: Agent, { job_id, term }: NonNullable<SimLine["lane"]>): void {
    const { id } = agent.machine;
    this.#world.schedule.after(FORGOTTEN_MS, () => {
      const text = this.#world.jobActor(job_id).storage.db.peek("job")[0]?.["phase"] as string | undefined;
      const phase = text === undefined ? undefined : phaseOf(text);
      const isItsOwn = phase?.state === "placed" && phase.hive_id === id && phase.term === term;
      if (agent.isAlive && isItsOwn && !journaled(agent, job_id, term).isHeld)
        this.#world.fail(`${id} forgot ${job_id}, which is ${text}`);
    });
  }

  /** A lane is only superseded by another one of the same term. */
  #supersededByItsOwn({ machine }: Agent, { label, lane }: SimLine): void {
    if (this.#dials.get(`${machine.id} ${lane?.job_id}.${lane?.term}`) === 1)
      this.#world.fail(`${label} of term ${lane?.term} was superseded by none of its own`);
  }

  heard({ actor, tags, readyState }: ServerSocket): void {
    if (actor === undefined || !tags.includes("lane") || readyState !== OPEN) return;
    const open = actor.sockets.filter((ws) => ws.tags.includes("lane") && ws.readyState === OPEN);
    if (open.length > 1) this.#world.fail(`${actor.name} has ${open.length} open lanes`);
  }

  /** What a hive's object says. */
  said(ws: ServerSocket, text: string): void {
    const { actor } = ws;
    if (actor === undefined || !actor.name.startsWith("HIVE/")) return;
    if (text.includes('"t":"welcome"')) {
      const others = actor.sockets.filter((other) => other !== ws && other.readyState === OPEN && sessionOf(other) > 0);
      if (others.length > 0) this.#world.fail(`${actor.name} has ${others.length + 1} open sessions`);
    } else if (sessionOf(ws) === 0 && /^\{"t":"(op|cancel)"/.test(text))
      this.#world.fail(`${actor.name} was given work before it was welcome: ${text.slice(0, 100)}`);
  }
}

const sessionOf = (ws: ServerSocket): number => (ws.deserializeAttachment() as { session: number }).session;
