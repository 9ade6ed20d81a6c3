import type { FleetState, Heartbeat } from "@rbee/contracts";
import { unreachable, type RbeeError } from "./error.ts";
import { asDrop, framesOf } from "./frames.ts";
import { parsed } from "./json.ts";
import { bounds, delayAfter, pause } from "./retry.ts";

export interface HeartbeatOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whether the stream stands, and why not. A broken one is dialled again by itself for as long as somebody reads. */
  readonly onConnection?: ((connected: boolean, problem?: RbeeError) => void) | undefined;
}

/** The fleet as it is now, and again whenever it changes. @throws RbeeError when refused; the signal's reason when aborted */
export async function* fleetStates(
  connect: () => Promise<Response>,
  { signal, onConnection }: HeartbeatOptions,
): AsyncGenerator<FleetState, void, void> {
  let failures = 0;
  for (;;) {
    let drop = unreachable("the stream of heartbeats was cut off");
    let state: FleetState | undefined;
    try {
      for await (const { data } of framesOf(await connect(), { signal })) {
        if (state === undefined) onConnection?.(true);
        failures = 0;
        state = stateAfter(state, parsed<Heartbeat>(data, "a heartbeat"));
        yield state;
      }
    } catch (error) {
      signal?.throwIfAborted();
      drop = asDrop(error);
    }
    onConnection?.(false, drop);
    await pause(delayAfter(++failures, bounds.resume_delay_ms, drop), signal);
  }
}

/** What is known of a fleet that was not heard of yet. */
export const emptyFleet: FleetState = { hives: [], workers: [], queue: { queued: 0, running: 0 }, jobs: [] };

/** What is in a heartbeat is new; what is not, is as it was. */
function stateAfter(before: FleetState = emptyFleet, heartbeat: Heartbeat): FleetState {
  const { workers = before.workers, queue = before.queue, jobs = before.jobs, totals = before.totals } = heartbeat;
  const { hives = [], hives_gone = [] } = heartbeat;
  const replaced = new Set([...hives.map(({ hive_id }) => hive_id), ...hives_gone]);
  const kept = before.hives.filter(({ hive_id }) => !replaced.has(hive_id));
  const sorted = [...kept, ...hives].sort((a, b) => (a.hive_id < b.hive_id ? -1 : 1));
  return {
    hives: replaced.size === 0 ? before.hives : sorted,
    workers,
    queue,
    jobs,
    ...(totals === undefined ? {} : { totals }),
  };
}
