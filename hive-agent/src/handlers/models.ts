import { limits, narrate, RbeeError, type OperationResult } from "@rbee/contracts";
import type { HiveHandlers } from "../jobs/handler.ts";
import { removeModel } from "../models/remove.ts";
import { memoryNeed } from "../workers/memory.ts";
import { isLoaded, modelInfos, type HandlerDeps } from "./deps.ts";

type ModelHandlers = Pick<HiveHandlers, "model_list" | "model_get" | "model_download" | "model_delete">;
type MemoryEstimates = NonNullable<OperationResult<"model_get">["model"]["memory"]>;

export const modelHandlers = (deps: HandlerDeps): ModelHandlers => ({
  async *model_list() {
    yield narrate("hive", "model_list", "Looking for models on disk");
    return { models: await modelInfos(deps) };
  },

  async *model_get({ id }) {
    yield narrate("hive", "model_get", `Reading ${id}`);
    const model = await deps.catalogue.get(id);
    const memory = model.status === "ready" ? { memory: await estimates(deps, model.id) } : {};
    return { model: { ...model, ...memory, loaded: isLoaded(deps.supervisor, model.id) } };
  },

  async *model_download({ model, revision }, { signal }) {
    const provided = yield* deps.provisioner.provide({ model, revision }, signal);
    await deps.modelsChanged?.();
    const words = provided.already_there ? "was there already" : "is on disk";
    yield narrate("hive", "model_download", `${provided.model_id} ${words}`);
    return { ...provided };
  },

  async *model_delete({ id, force }) {
    const known = await deps.catalogue.find(id).catch(() => undefined);
    const model = known?.id ?? id;
    yield* freeModel(deps, model, force);
    const freed_bytes = await removeModel(deps.catalogue, model);
    await deps.modelsChanged?.();
    return { message: `${model} was removed`, freed_bytes };
  },
});

/** Nobody may hold what is to be removed. @throws RbeeError model_in_use */
async function* freeModel({ supervisor, provisioner }: HandlerDeps, model: string, force: boolean) {
  const workers = supervisor.list().filter((worker) => worker.model === model);
  if (workers.length > 0 && !force)
    throw new RbeeError(
      "model_in_use",
      `${model} is loaded by ${workers.map(({ worker_id }) => worker_id).join(", ")}`,
    );
  if (provisioner.isFetching(model) && !force)
    throw new RbeeError("model_in_use", `${model} is being fetched: cancel that job first, or force it`);
  for (const { pid, worker_id } of workers) {
    yield narrate("hive", "model_unload", `Stopping ${worker_id}`);
    await supervisor.stop(pid);
  }
  await provisioner.stop(model);
}

/** What it takes with the usual context and with all it was made for, on each device. */
async function estimates({ catalogue, engines }: HandlerDeps, id: string): Promise<MemoryEstimates> {
  const model = await catalogue.resolve(id);
  const { context: trained = limits.context_default } = model.header;
  const contexts = [...new Set([Math.min(limits.context_default, trained), trained])];
  const devices = await engines.devices();
  return devices.flatMap(({ id: device, memory_total_bytes }) =>
    contexts.map((context) => {
      const bytes = Math.ceil(memoryNeed(model, context));
      return { device, context, bytes, fits: bytes <= memory_total_bytes };
    }),
  );
}
