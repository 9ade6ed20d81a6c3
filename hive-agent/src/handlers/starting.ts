import { narrate, RbeeError, type HandlerEvent, type WorkerInfo } from "@rbee/contracts";
import { engineOf, packageFor } from "../binaries/packages.ts";
import { fittingDevices, type DeviceKind } from "../devices/devices.ts";
import type { HiveContext, HiveHandlers } from "../jobs/handler.ts";
import type { Joining } from "../workers/starts.ts";
import type { SpawnRequest } from "../workers/supervisor.ts";
import type { HandlerDeps } from "./deps.ts";
import { narrateLoading } from "./loading.ts";

/** Fetches a model that is not there yet. */
export type FetchModel = HiveHandlers["model_download"];

type Start = (request: SpawnRequest, joining: Joining) => Promise<WorkerInfo>;

/** Brings a worker up: what it needs is fetched first, and all of it is told. @throws RbeeError */
export async function* startWorker(
  { deps, fetch, context }: { deps: HandlerDeps; fetch: FetchModel; context: HiveContext },
  asked: SpawnRequest,
  start: Start,
): AsyncGenerator<HandlerEvent, WorkerInfo, void> {
  let { model } = asked;
  if (asked.kind !== "openai") {
    model = yield* presentModel({ deps, fetch, context }, model);
    yield* presentEngine(deps, asked, context.signal);
  }
  const request = { ...asked, model, origin: context.job_id };
  const { signal } = context;
  const info = yield* narrateLoading(model, async (onProgress) => start(request, { signal, onProgress }));
  yield narrate("hive", "worker_ready", `${info.worker_id} is ready on ${info.device}`);
  return info;
}

async function* presentModel(
  { deps, fetch, context }: { deps: HandlerDeps; fetch: FetchModel; context: HiveContext },
  model: string,
): AsyncGenerator<HandlerEvent, string, void> {
  try {
    return (await deps.catalogue.resolve(model)).id;
  } catch (error) {
    // A plain name is no address: there is nowhere to fetch it from.
    if (!(error instanceof RbeeError) || error.code !== "model_not_found" || !model.includes("/")) throw error;
  }
  yield narrate("hive", "model_download", `${model} is not on this hive yet`);
  const { model_id } = yield* fetch({ hive_id: deps.hive_id, model }, context);
  return model_id;
}

async function* presentEngine(
  { engines, hive_id }: HandlerDeps,
  { kind, worker = "auto", device = "auto" }: SpawnRequest,
  signal: AbortSignal,
): AsyncGenerator<HandlerEvent, void, void> {
  if (kind === "llama-server") {
    // A build takes many minutes and a compiler: it is asked for by name.
    if (engines.store.find(kind) !== undefined) return;
    throw new RbeeError(
      "engine_not_found",
      `${kind} is not built on ${hive_id}: rbee workers build ${kind} --hive ${hive_id}`,
    );
  }
  const could = (one: DeviceKind) => engines.store.has(one) || packageFor(one) !== undefined;
  const [best, ...others] = fittingDevices({ worker, device }, await engines.devices(), could);
  if (engines.store.has(best.kind)) return;
  try {
    yield* engines.download(engineOf[best.kind], signal);
  } catch (error) {
    const fallback = others.find((other) => engines.store.has(other.kind));
    if (fallback === undefined || !(error instanceof RbeeError) || error.code !== "download_failed") throw error;
    const human = `${error.message}; ${fallback.id} is used instead of ${best.id}`;
    yield { ...narrate("hive", "worker_download", human), level: "warn" };
  }
}
