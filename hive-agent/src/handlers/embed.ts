import { narrate, RbeeError } from "@rbee/contracts";
import type { HiveHandlers } from "../jobs/handler.ts";
import type { HandlerDeps } from "./deps.ts";
import { findWorker } from "./find-worker.ts";

/** Embeds texts on a worker that has the model, loading it where none has. One that dies is replaced, once. */
export const embedHandler = (deps: HandlerDeps): HiveHandlers["embed"] =>
  async function* embed(input, context) {
    let worker = yield* findWorker(deps, input, context);
    void deps.supervisor.keeping.requested(worker.worker_id, input.keep_alive);
    const { input: texts, truncate } = input;
    const ask = () => deps.supervisor.embed(worker.worker_id, { texts, truncate }, context.signal);
    let answer: Awaited<ReturnType<typeof ask>>;
    try {
      answer = await ask();
    } catch (error) {
      const died = error instanceof RbeeError && (error.code === "worker_died" || error.code === "worker_not_found");
      if (!died || input.worker_id !== undefined || context.signal.aborted) throw error;
      yield narrate("hive", "worker_lost", `${worker.worker_id} went away; trying another`);
      worker = yield* findWorker(deps, input, { ...context, worker_id: undefined });
      answer = await ask();
    }
    const { embeddings, prompt_tokens } = answer;
    const { worker_id, model } = worker;
    const usage = { prompt_tokens, total_tokens: prompt_tokens };
    return { embeddings, usage, model, hive_id: deps.hive_id, worker_id };
  };
