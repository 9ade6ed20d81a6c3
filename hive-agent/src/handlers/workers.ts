import {
  narrate,
  RbeeError,
  shownState,
  type OperationInput,
  type OperationResult,
  type WorkerInfo,
} from "@rbee/contracts";
import { processMemory } from "../devices/nvidia.ts";
import type { HiveHandlers } from "../jobs/handler.ts";
import type { SpawnRequest } from "../workers/supervisor.ts";
import type { HandlerDeps } from "./deps.ts";
import { startWorker, type FetchModel } from "./starting.ts";

type WorkerHandlers = Pick<
  HiveHandlers,
  "worker_spawn" | "worker_process_list" | "worker_process_get" | "worker_process_delete"
>;
type Wishes = Pick<OperationInput<"model_load">, "device" | "slots" | "context" | "keep_alive" | "pin">;
type Process = OperationResult<"worker_process_get">["worker"];

export const workerHandlers = (deps: HandlerDeps, fetch: FetchModel): WorkerHandlers => ({
  async *worker_spawn(input, context) {
    const { supervisor } = deps;
    const info = yield* startWorker({ deps, fetch, context }, wishOf(input), async (request, joining) =>
      supervisor.spawn(request, joining),
    );
    return startedWorker(info);
  },

  async *worker_process_list() {
    yield narrate("hive", "worker_process_list", "Looking at the worker processes");
    return { workers: await processes(deps, deps.supervisor.list()) };
  },

  async *worker_process_get(input) {
    yield narrate("hive", "worker_process_get", "Looking at the worker process");
    const [worker] = await processes(deps, [oneOf(deps, input)]);
    if (worker === undefined) throw new RbeeError("worker_not_found");
    return { worker };
  },

  async *worker_process_delete(input, { signal }) {
    const { pid, worker_id, model } = oneOf(deps, input);
    const { keep, drain_ms } = input;
    const what = keep ? "gets nothing new from now on" : "is stopped when it has finished";
    yield narrate("hive", "worker_stop", `${worker_id}, which has the pid ${pid}, ${what}`);
    await deps.supervisor.drain(worker_id, { keep, drain_ms, signal });
    return { message: `${worker_id} (${model}) ${keep ? "has finished, and stays" : "was stopped"}`, pid };
  },
});

export const startedWorker = ({ worker_id, port, pid, state }: WorkerInfo) => ({ worker_id, port, pid, status: state });

/** What older clients call a worker is a kind of device for our own one, and a kind of worker otherwise. */
function wishOf(input: OperationInput<"worker_spawn">): SpawnRequest {
  const { model, worker, url } = input;
  const engine = worker === "llama-server" || worker === "openai" ? { kind: worker } : { worker };
  return { model, ...given(input), ...engine, ...(url === undefined ? {} : { url }) };
}

/** The wishes that were spoken. */
export function given({ device, slots, context, keep_alive, pin }: Wishes): Omit<SpawnRequest, "model"> {
  return {
    device,
    ...(slots === undefined ? {} : { slots }),
    ...(context === undefined ? {} : { context }),
    ...(keep_alive === undefined ? {} : { keep_alive }),
    ...(pin === undefined ? {} : { pin }),
  };
}

/** One of our own: anything else on this machine does not exist for us. @throws RbeeError worker_not_found */
function oneOf(
  { supervisor }: HandlerDeps,
  asked: { pid?: number | undefined; worker_id?: string | undefined },
): WorkerInfo {
  const all = supervisor.list();
  const found = all.find(({ pid, worker_id }) => pid === asked.pid || worker_id === asked.worker_id);
  if (found !== undefined) return found;
  const wanted = asked.worker_id ?? `the pid ${asked.pid}`;
  const there =
    all.length === 0 ? "it has none" : `it has ${all.map((one) => `${one.worker_id} (${one.pid})`).join(", ")}`;
  throw new RbeeError("worker_not_found", `no worker of this hive is ${wanted}; ${there}`);
}

async function processes({ supervisor }: HandlerDeps, workers: readonly WorkerInfo[]): Promise<Process[]> {
  const onGpu = workers.some(({ device }) => device.startsWith("cuda"))
    ? await processMemory()
    : new Map<number, number>();
  return await Promise.all(
    workers.map(async (info): Promise<Process> => {
      const use = await supervisor.usage(info.pid);
      const mib = (use?.pids ?? []).flatMap((pid) => onGpu.get(pid) ?? []);
      return {
        ...info,
        status: shownState(info),
        ...(use === undefined ? {} : { rss: use.rss_bytes, cpu_pct: use.cpu_pct }),
        ...(mib.length === 0 ? {} : { vram_mb: mib.reduce((sum, one) => sum + one, 0) }),
      };
    }),
  );
}
