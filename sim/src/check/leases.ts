import { limits } from "@rbee/contracts";
import type { Actor } from "../platform/actor.ts";
import type { ServerSocket } from "../platform/socket.ts";
import type { World } from "../world/world.ts";

/** A clock may have jumped by so much without being noticed. */
const TOLERANCE_MS = limits.alarm_late_ms + 1_000;

/** In true time: a hive that shows itself keeps its job, whatever the queen's clock says. */
export class Leases {
  readonly #world: World;
  /** When each job's current hive was last heard, or was given the job. */
  readonly #signs = new Map<Actor, number>();
  /** Each clock that jumps may cost a lease its tolerance; more of them at once prove nothing. */
  readonly #jumps: number;

  constructor(world: World) {
    this.#world = world;
    this.#jumps = world.scenario.faults.filter(({ kind }) => kind === "queen_clock").length;
  }

  /** Only what a hive says on its lane keeps it the job. */
  heard({ actor, tags }: ServerSocket): void {
    if (actor !== undefined && tags.includes("lane")) this.#signs.set(actor, this.#world.schedule.now);
  }

  /** The job was given to a hive. */
  placed(job: Actor): void {
    this.#signs.set(job, this.#world.schedule.now);
  }

  /** The queen took the job from its hive because that was silent. */
  silent(job: Actor): void {
    const since = this.#world.schedule.now - (this.#signs.get(job) ?? 0);
    const lane = job.sockets.find((ws) => ws.tags.includes("lane") && ws.readyState === 1);
    const least = lane === undefined ? Math.min(limits.failover_ms, limits.take_up_ms) : limits.lease_ms;
    if (this.#jumps <= 1 && since < least - (this.#jumps === 0 ? 0 : TOLERANCE_MS))
      this.#world.fail(`${job.name} was taken from a hive that was heard ${since} ms ago`);
  }
}
