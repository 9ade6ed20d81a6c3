import { narrate, RbeeError, type WorkerInfo } from "@rbee/contracts";
import { answersTo } from "../devices/devices.ts";
import type { HiveContext, HiveHandlers } from "../jobs/handler.ts";
import type { HandlerDeps } from "./deps.ts";
import { startWorker, type FetchModel } from "./starting.ts";
import { given, startedWorker } from "./workers.ts";

type LoadingHandlers = Pick<HiveHandlers, "model_load" | "model_unload" | "model_run">;

interface Wishes {
  readonly model: string;
  readonly device: string;
  readonly slots?: number | undefined;
  readonly context?: number | undefined;
  readonly keep_alive?: number | undefined;
  readonly pin?: boolean | undefined;
}

export const loadingHandlers = (deps: HandlerDeps, fetch: FetchModel): LoadingHandlers => ({
  async *model_load({ id, ...wishes }, context) {
    return startedWorker(yield* load({ deps, fetch, context }, { model: id, ...wishes }));
  },

  async *model_unload({ id }, { signal }) {
    const { supervisor } = deps;
    const model = await idOf(deps, id);
    const workers = supervisor.list().filter((worker) => worker.model === model && worker.state !== "dead");
    if (workers.length === 0) return { message: `${model} is not loaded` };
    yield narrate("hive", "model_unload", `Letting ${workers.length} of ${model} finish`);
    await Promise.all(workers.map(async ({ worker_id }) => supervisor.drain(worker_id, { signal }).catch(onlyIfThere)));
    return { message: `${model} was unloaded from ${workers.map(({ device }) => device).join(", ")}` };
  },

  async *model_run(wishes, context) {
    const info = yield* load({ deps, fetch, context }, wishes);
    return { ...startedWorker(info), hive_id: deps.hive_id, device: info.device };
  },
});

async function* load(hive: { deps: HandlerDeps; fetch: FetchModel; context: HiveContext }, wishes: Wishes) {
  const { supervisor } = hive.deps;
  const worker = yield* loaded(hive, wishes);
  await supervisor.keeping.wanted(worker.worker_id, wishes);
  return worker;
}

async function* loaded(hive: { deps: HandlerDeps; fetch: FetchModel; context: HiveContext }, wishes: Wishes) {
  const { supervisor } = hive.deps;
  const { model, device } = wishes;
  const there = supervisor.ready(await idOf(hive.deps, model)).find((worker) => isOn(worker, device));
  if (there !== undefined) {
    yield narrate("hive", "model_load", `${there.model} is loaded already, by ${there.worker_id} on ${there.device}`);
    return there;
  }
  const request = { model, ...given(wishes) };
  return yield* startWorker(hive, request, async (wish, joining) => supervisor.ensure(wish.model, joining, wish));
}

const isOn = ({ device }: WorkerInfo, wish: string): boolean =>
  wish === "auto" || answersTo(device, { worker: "auto", device: wish });

/** A model that is loaded may have gone from the disk; then it is called what it was asked for. */
async function idOf({ catalogue }: HandlerDeps, model: string): Promise<string> {
  return await catalogue.resolve(model).then(
    ({ id }) => id,
    () => model,
  );
}

/** It went by itself, which is what was wanted. */
function onlyIfThere(error: unknown): void {
  if (!(error instanceof RbeeError) || error.code !== "worker_not_found") throw error;
}
