import { narrate, operationNames, operationOf, RbeeError, type HandlerEvent } from "@rbee/contracts";
import type { HiveContext, HiveHandlers } from "../../../hive-agent/src/jobs/handler.ts";
import { tokenOf, type JobPlan } from "../scenario/scenario.ts";
import type { Agent } from "./agent.ts";

const onHives = operationNames.filter((name) => operationOf(name).executor !== "queen");
const USAGE = { prompt_tokens: 1, cached_tokens: 0 };
const TIMINGS = { wait_ms: 0, prompt_ms: 1, generation_ms: 1, tokens_per_s: 1 };

/** Of no agent in particular: a generator made anew for each would keep its world alive until a full garbage collection. */
async function* unsupported(): AsyncGenerator<never, never, void> {
  throw new RbeeError("unsupported");
}

const otherHandlers = Object.fromEntries(onHives.map((name) => [name, unsupported])) as unknown as HiveHandlers;

/** Handlers that say what the scenario wrote for the job: the same text whoever says it, so that it can be checked. */
export const handlersOf = (agent: Agent): HiveHandlers => ({
  ...otherHandlers,
  infer: (_input, context) => infer(agent, context),
  model_list: (_input, context) => modelList(agent, context),
});

async function* infer(agent: Agent, context: HiveContext): ReturnType<HiveHandlers["infer"]> {
  const { world, id } = agent.machine;
  const plan = world.planOf(context.job_id);
  world.watch.runs.begin(agent, context);
  yield* generate(agent, plan, context);
  const completion_tokens = plan.tokens;
  return {
    text: textOf(plan),
    finish_reason: "stop",
    usage: { ...USAGE, completion_tokens, total_tokens: USAGE.prompt_tokens + completion_tokens },
    timings: TIMINGS,
    model: "bee",
    hive_id: id,
    worker_id: context.worker_id ?? "worker-llama-9100",
  };
}

async function* modelList(agent: Agent, context: HiveContext): ReturnType<HiveHandlers["model_list"]> {
  const { world } = agent.machine;
  const plan = world.planOf(context.job_id);
  world.watch.runs.begin(agent, context);
  const waiting = new Waiting(context, plan);
  for (let i = 0; i < plan.tokens; i++) {
    yield narrate("hive", "look", inTerm(context, tokenOf(plan, i)));
    await pause(agent, plan, waiting);
  }
  return { models: [] };
}

/** What is no token tells whose it is: it must stand in that term's part of the log. */
const inTerm = ({ term }: HiveContext, text: string): string => `${text} in term ${term}`;

export function textOf(plan: JobPlan): string {
  let text = "";
  for (let i = 0; i < plan.tokens; i++) text += tokenOf(plan, i);
  return text;
}

async function* generate(agent: Agent, plan: JobPlan, context: HiveContext): AsyncGenerator<HandlerEvent, void, void> {
  const { generations, world } = agent.machine;
  const key = `${context.job_id}.${context.term}`;
  for (const [i, text] of context.resume.entries())
    if (text !== tokenOf(plan, i)) world.fail(`${context.job_id} is to go on behind ${JSON.stringify(context.resume)}`);
  let next = context.resume.length;
  if (context.resume_after_tokens !== undefined && generations.has(key)) next += context.resume_after_tokens;
  else if ((context.resume_after_tokens ?? 0) > 0)
    throw new RbeeError("hive_lost", "the worker that generated this is gone, and part of it was already sent");
  else if (plan.narrates) yield narrate("worker", "load", inTerm(context, `loading since boot ${agent.machine.boot}`));
  generations.add(key);
  const waiting = new Waiting(context, plan);
  for (; next < plan.tokens; next++) {
    await pause(agent, plan, waiting);
    yield { type: "token", text: tokenOf(plan, next) };
  }
  if (plan.fails) throw new RbeeError("worker_died", "it was written so");
}

/** Waits between two events. @throws RbeeError cancelled, unless the handler is one that does not listen */
async function pause(agent: Agent, plan: JobPlan, waiting: Waiting): Promise<void> {
  if (plan.pace_ms > 0) {
    await new Promise<void>((resolve) => {
      waiting.wake = resolve;
      agent.after(plan.pace_ms, resolve);
    });
  }
  if (waiting.signal.aborted && plan.listens) throw new RbeeError("cancelled");
}

/** Listening once per job: adding a listener costs as much as the rest of a token. */
class Waiting {
  readonly signal: AbortSignal;
  wake: (() => void) | undefined;

  constructor({ signal }: HiveContext, { listens }: JobPlan) {
    this.signal = signal;
    if (listens) signal.addEventListener("abort", () => this.wake?.());
  }
}
