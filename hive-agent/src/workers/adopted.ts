import { limits, RbeeError } from "@rbee/contracts";
import { setTimeout as delay } from "node:timers/promises";
import { isAlive, type RunningWorker } from "./running.ts";

/** Notices the end of a worker that is not our child, by asking: it also keeps the worker from thinking itself alone. */
export async function watchAdopted(worker: RunningWorker, closed: AbortSignal): Promise<void> {
  while (await isAlive(worker.record)) {
    await worker.client.health();
    await delay(limits.worker_poll_ms, undefined, { signal: closed, ref: false }).catch(() => undefined);
    if (closed.aborted) return;
  }
  await worker.ended("ended");
}

/** Waits until a worker that was found loading is ready. @throws RbeeError worker_died */
export async function adoptedReady(worker: RunningWorker, closed: AbortSignal): Promise<RunningWorker> {
  while (!closed.aborted && worker.state === "starting") {
    const health = await worker.client.health();
    if (health?.status === "ready") worker.becameReady();
    else if (health === undefined && !(await isAlive(worker.record))) throw await worker.whyLost();
    else await delay(limits.health_poll_ms);
  }
  if (worker.state !== "ready") throw new RbeeError("worker_died", `${worker.record.info.worker_id} was stopped`);
  return worker;
}
