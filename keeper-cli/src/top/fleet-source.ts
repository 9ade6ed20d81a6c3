import { setTimeout as pause } from "node:timers/promises";
import { RbeeError, type JobClient, type JobLine, type OperationResult } from "@rbee/sdk";

export interface FleetState {
  readonly status: OperationResult<"status">;
  readonly queue: OperationResult<"queue_list">;
  readonly running: readonly JobLine[];
  /** By this machine's clock. */
  readonly at: number;
}

/** The fleet as it was last seen, and what is wrong when it could not be seen since. */
export interface Sight {
  readonly state: FleetState;
  readonly problem?: string;
}

const LOOK_EVERY_MS = 1_000;
/** Of the queue and the running jobs no screen shows more. */
const LINES_MAX = 100;

/** The fleet, again and again until aborted; a queen that goes away is waited for. @throws RbeeError when the first look fails */
export async function* fleetSights(client: JobClient, signal: AbortSignal): AsyncGenerator<Sight, void, void> {
  let state = await lookAtFleet(client);
  yield { state };
  for (;;) {
    await pause(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    try {
      state = await lookAtFleet(client);
      yield { state };
    } catch (error) {
      yield { state, problem: error instanceof RbeeError ? error.message : String(error) };
    }
  }
}

/** One look. What does not wait needs no look at the queue. */
export async function lookAtFleet(client: JobClient): Promise<FleetState> {
  const [status, jobs] = await Promise.all([client.run("status", {}), client.list({ limit: LINES_MAX })]);
  const queue =
    status.queue.queued === 0 ? { jobs: [], queued: 0 } : await client.run("queue_list", { limit: LINES_MAX });
  const running = jobs.filter(
    ({ state, operation }) => (state === "running" || state === "dispatched") && operation !== "status",
  );
  return { status, queue, running, at: Date.now() };
}
