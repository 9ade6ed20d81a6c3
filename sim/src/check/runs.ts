import type { HiveContext } from "../../../hive-agent/src/jobs/handler.ts";
import type { Agent } from "../world/agent.ts";
import type { World } from "../world/world.ts";
import { phaseOf } from "./records.ts";

/** Handlers: one term of a job at a time on a machine, the newest, and each begun once. */
export class Runs {
  readonly #world: World;
  readonly #last = new Map<string, { readonly agent: Agent; readonly context: HiveContext }>();

  constructor(world: World) {
    this.#world = world;
  }

  /** A handler begins. */
  begin(agent: Agent, context: HiveContext): void {
    const { id } = agent.machine;
    if (context.draining.aborted && context.resume_after_tokens === undefined)
      this.#world.fail(`${id} begins ${context.job_id} although it takes nothing new`);
    const key = `${id} ${context.job_id}`;
    const last = this.#last.get(key);
    this.#last.set(key, { agent, context });
    if (last === undefined) return;
    const what = `${id} begins term ${context.term} of ${context.job_id}`;
    const { term, signal } = last.context;
    if (last.agent === agent && term === context.term) this.#world.fail(`${what} again`);
    if (last.agent === agent && !signal.aborted) this.#world.fail(`${what} beside ${term}`);
    const text = this.#world.jobActor(context.job_id).storage.db.peek("job")[0]?.["phase"] as string | undefined;
    const phase = text === undefined ? undefined : phaseOf(text);
    if (term > context.term && phase?.state === "placed" && phase.term === term)
      this.#world.fail(`${what} in place of ${term}`);
  }
}
