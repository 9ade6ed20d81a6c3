import {
  Generation,
  narrate,
  RbeeError,
  tokenOf,
  type HandlerEvent,
  type OperationInput,
  type OperationResult,
  type WorkerInfo,
} from "@rbee/contracts";
import type { HiveContext, HiveHandlers } from "../jobs/handler.ts";
import type { GenerationCall } from "../workers/client.ts";
import type { HandlerDeps } from "./deps.ts";
import { findWorker } from "./find-worker.ts";

type Input = OperationInput<"infer">;
type Result = OperationResult<"infer">;

/** Runs a generation on a worker that has the model, loading it where none has. */
export const inferHandler = (deps: HandlerDeps): HiveHandlers["infer"] =>
  async function* infer(input, context) {
    const id = `${context.job_id}.${context.term}`;
    if (context.resume_after_tokens !== undefined) {
      const resumed = yield* reattach(deps, input, { id, context, shown: context.resume_after_tokens });
      if (resumed !== undefined) return resumed;
      if (context.resume_after_tokens > 0) {
        throw new RbeeError("hive_lost", "the worker that generated this is gone, and part of it was already sent");
      }
    }
    const { resume } = context;
    const call = { id, generation: Generation.strip().parse(input), ...(resume.length === 0 ? {} : { resume }) };
    return yield* runSomewhere(deps, input, { call, context });
  };

/** A worker that goes before it has said anything is replaced by another, once: nobody has seen a difference. */
async function* runSomewhere(
  deps: HandlerDeps,
  input: Input,
  { call, context }: { call: GenerationCall; context: HiveContext },
): AsyncGenerator<HandlerEvent, Result, void> {
  const first = yield* findWorker(deps, input, context);
  void deps.supervisor.keeping.requested(first.worker_id, input.keep_alive);
  const heard = { tokens: 0 };
  try {
    return yield* run(deps, first, { call, context, shown: 0, heard });
  } catch (error) {
    const died = error instanceof RbeeError && (error.code === "worker_died" || error.code === "worker_not_found");
    if (!died || heard.tokens > 0 || input.worker_id !== undefined || context.signal.aborted) throw error;
    yield narrate("hive", "worker_lost", `${first.worker_id} went away before it said anything; trying another`);
  }
  const other = yield* findWorker(deps, input, { ...context, worker_id: undefined });
  return yield* run(deps, other, { call, context, shown: 0 });
}

/** Goes on with a generation that outlived the agent which started it; undefined when no worker knows it. */
async function* reattach(
  deps: HandlerDeps,
  input: Input,
  { id, context, shown }: { id: string; context: HiveContext; shown: number },
): AsyncGenerator<HandlerEvent, Result | undefined, void> {
  const [loaded] = deps.supervisor.ready(input.model);
  const model = loaded?.model ?? (await deps.catalogue.resolve(input.model)).id;
  for (const worker of deps.supervisor.ready(model)) {
    try {
      return yield* run(deps, worker, { call: { id }, context, shown });
    } catch (error) {
      if (!(error instanceof RbeeError) || error.code !== "not_found") throw error;
    }
  }
  return undefined;
}

interface Run {
  readonly call: GenerationCall;
  readonly context: HiveContext;
  readonly shown: number;
  /** Counts what came. */
  readonly heard?: { tokens: number };
}

/** Yields one token event per frame behind the `shown` first ones, which the reader has already. */
async function* run(
  { supervisor, hive_id }: HandlerDeps,
  worker: WorkerInfo,
  { call, context, shown, heard }: Run,
): AsyncGenerator<HandlerEvent, Result, void> {
  // Still waiting for a slot when the hive is to leave, it is handed back.
  const handedBack = new AbortController();
  const leave = async (): Promise<void> => {
    if (await supervisor.withdraw(worker.worker_id, call.id)) handedBack.abort(context.draining.reason);
  };
  context.draining.addEventListener("abort", leave, { once: true });
  const signal = AbortSignal.any([context.signal, handedBack.signal]);
  const frames = supervisor.generate(worker.worker_id, call, signal);
  let text = context.resume.join("");
  let pieces = 0;
  let finished = false;
  try {
    for (;;) {
      const next = await frames.next();
      if (next.done === true) {
        finished = true;
        const { worker_id, model } = worker;
        return { text, ...next.value, model, hive_id, worker_id };
      }
      const token = tokenOf(next.value);
      if (token.tool_call === undefined) text += token.text;
      pieces += 1;
      if (heard !== undefined) heard.tokens += 1;
      if (pieces > shown) yield token;
    }
  } finally {
    context.draining.removeEventListener("abort", leave);
    if (!finished) await frames.return(undefined as never);
  }
}
