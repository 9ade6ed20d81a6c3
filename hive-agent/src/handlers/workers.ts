import { narrate } from "@rbee/contracts";
import type { HiveHandlers } from "../jobs/handler.ts";
import type { HandlerDeps } from "./deps.ts";
import { narrateLoading } from "./loading.ts";

type WorkerHandlers = Pick<HiveHandlers, "worker_spawn" | "worker_process_list" | "worker_process_delete">;

export const workerHandlers = ({ supervisor }: HandlerDeps): WorkerHandlers => ({
  async *worker_spawn({ model, worker, device, slots, context }, { signal, job_id }) {
    const request = { model, worker, device, slots, context, origin: job_id };
    const info = yield* narrateLoading(model, (onProgress) => supervisor.spawn(request, { signal, onProgress }));
    const { worker_id, port, pid, state } = info;
    yield narrate("hive", "worker_ready", `${worker_id} is ready on ${info.device}`);
    return { worker_id, port, pid, status: state };
  },

  async *worker_process_list() {
    yield narrate("hive", "worker_process_list", "Looking at the worker processes");
    const workers = await Promise.all(
      supervisor.list().map(async (info) => ({ ...info, ...(await supervisor.usage(info.pid)) })),
    );
    return { workers };
  },

  async *worker_process_delete({ pid }) {
    yield narrate("hive", "worker_stop", `Stopping the worker with pid ${pid}`);
    const { worker_id, model } = await supervisor.stop(pid);
    return { message: `${worker_id} (${model}) was stopped`, pid };
  },
});
