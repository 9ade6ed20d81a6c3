import { hiveIdOf } from "../scenario/scenario.ts";
import type { Actor } from "../platform/actor.ts";
import type { World } from "../world/world.ts";
import type { StoredPhase } from "./records.ts";
import { journaled } from "./sent.ts";

interface Step {
  readonly from: StoredPhase | undefined;
  readonly to: StoredPhase;
}

/** From one stored phase of a job to the next: terms only grow, odd ones are a hive's, and an ending is final. */
export function checkStep(world: World, actor: Actor, { from, to }: Step): void {
  const fail = (why: string): void =>
    world.fail(`${why}: ${actor.name} went from ${JSON.stringify(from)} to ${JSON.stringify(to)}`);
  if (from?.finished_at !== undefined) fail("ended twice");
  if (to.term < (from?.term ?? 0)) fail("the term fell");
  if (to.state === "placed" && to.term % 2 === 0) fail("a hive has a term of the queen's");
  const queens = to.state === "queued" || to.error?.code === "attempts_exhausted";
  if (queens && to.term % 2 === 1) fail("the queen speaks in a hive's term");
  if (from?.state === "placed" && to.term === from.term + 1) checkLoss(world, actor, { from, to });
}

/** A hive that holds the job and has an open lane is not believed to have come back without it. */
function checkLoss(world: World, actor: Actor, { from, to }: Step): void {
  if (!/without the job|is not connected/.test(`${to.reason} ${to.error?.detail}`)) return;
  const machine = world.machines.find((_, i) => hiveIdOf(i) === from?.hive_id);
  const lane = actor.sockets.find((ws) => ws.tags.includes("lane") && ws.pipe?.isOpen === true);
  const { agent } = machine ?? {};
  if (agent?.isAlive !== true || lane === undefined || from === undefined) return;
  const job_id = actor.name.slice(actor.name.lastIndexOf("/") + 1);
  if (journaled(agent, job_id, from.term).isHeld)
    world.fail(`${job_id} was taken from ${from.hive_id}, which holds it: ${to.reason ?? to.error?.detail}`);
}
