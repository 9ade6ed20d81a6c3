import { heartbeatBetween, limits, RbeeError, snapshotOf, type FleetState, type Snapshot } from "@rbee/contracts";
import { sseResponse, type Source } from "@rbee/job-http";

/** Everyone who watches this hive on this machine. While somebody does, it is looked at now and then; otherwise never. */
export class Heartbeats {
  readonly #state: () => FleetState;
  #watchers = 0;

  constructor(state: () => FleetState) {
    this.#state = state;
  }

  /** @throws RbeeError queue_full */
  watch(signal: AbortSignal): Response {
    if (this.#watchers >= limits.watchers_max) throw new RbeeError("queue_full", "too many watch this hive already");
    const source: Source = ({ write }) => {
      let sent: Snapshot | undefined;
      let taken = true;
      const look = (): void => {
        if (!taken) return;
        const now = snapshotOf(this.#state());
        const heartbeat = heartbeatBetween(sent, now);
        if (heartbeat === undefined) return;
        [sent, taken] = [now, false];
        write(`data: ${heartbeat}\n\n`);
      };
      const timer = setInterval(look, limits.heartbeat_look_ms);
      this.#watchers++;
      look();
      return {
        left: () => {
          clearInterval(timer);
          this.#watchers--;
        },
        taken: () => (taken = true),
      };
    };
    return sseResponse(source, { signal, pipe: () => new TransformStream<Uint8Array, Uint8Array>(), taken_chars: 1 });
  }
}
