import {
  isHubModel,
  narrate,
  RbeeError,
  type HandlerEvent,
  type OperationInput,
  type WorkerInfo,
} from "@rbee/contracts";
import type { HiveContext } from "../jobs/handler.ts";
import type { HandlerDeps } from "./deps.ts";
import { narrateLoading } from "./loading.ts";

type Input = OperationInput<"infer">;

type Wish = Pick<Input, "model" | "worker_id" | "keep_alive">;

/** A worker that has the model; loads it where none has. A hive that is to leave begins nothing. @throws RbeeError */
export async function* findWorker(
  deps: HandlerDeps,
  wish: Wish,
  context: HiveContext,
): AsyncGenerator<HandlerEvent, WorkerInfo, void> {
  const worker = yield* find(deps, wish, context);
  context.draining.throwIfAborted();
  return worker;
}

async function* find(
  deps: HandlerDeps,
  input: Wish,
  context: HiveContext,
): AsyncGenerator<HandlerEvent, WorkerInfo, void> {
  const { supervisor } = deps;
  const chosen = supervisor.get(context.worker_id ?? "");
  // Nothing on disk needs to be looked at for a model that is loaded.
  const [loadedAlready] = supervisor.ready(input.model);
  // Neither fetching nor loading is begun work: the next hive may have the model ready.
  const signal = AbortSignal.any([context.signal, context.draining]);
  const model = loadedAlready?.model ?? (yield* modelOnDisk(deps, input.model, signal));
  if (chosen?.state === "ready" && chosen.model === model) return chosen;
  if (input.worker_id !== undefined) return exactly(input.worker_id, model, supervisor.get(input.worker_id));
  const [ready] = supervisor.ready(model);
  if (ready !== undefined) return ready;
  const wish = supervisor.keeping.onDemand(input.keep_alive);
  const loaded = yield* narrateLoading(model, (onProgress) => supervisor.ensure(model, { signal, onProgress }, wish));
  yield narrate("hive", "model_ready", `${model} is ready on ${loaded.worker_id}`);
  return loaded;
}

/** The id of a model that is here; where the hive's owner lets requests fetch models, of one that the hub has. [PULL-1] */
async function* modelOnDisk(
  deps: HandlerDeps,
  model: string,
  signal: AbortSignal,
): AsyncGenerator<HandlerEvent, string, void> {
  const { catalogue, provisioner, pulls } = deps;
  try {
    return (await catalogue.resolve(model)).id;
  } catch (error) {
    const may = pulls && isHubModel(model);
    if (!may || !(error instanceof RbeeError) || error.code !== "model_not_found") throw error;
  }
  yield narrate("hive", "model_download", `${model} is not on this hive yet`);
  const { model_id } = yield* provisioner.provide({ model }, signal);
  await deps.modelsChanged?.();
  return model_id;
}

function exactly(workerId: string, model: string, worker: WorkerInfo | undefined): WorkerInfo {
  if (worker?.state !== "ready") throw new RbeeError("worker_not_found", `no worker ${workerId} is ready on this hive`);
  if (worker.model !== model)
    throw new RbeeError("invalid_input", `${workerId} has ${worker.model} loaded, not ${model}`);
  return worker;
}
