import type { LaneDown, Narration, Problem } from "@rbee/contracts";
import type { Ended, LogEntry, Placement } from "@rbee/job-core";

/** What the registry answers when a job asks for a place. */
export type Decision =
  | { readonly kind: "placed"; readonly placement: Placement }
  | { readonly kind: "waiting"; readonly reason: string; readonly position: number; readonly eta_ms?: number }
  | { readonly kind: "refused"; readonly problem: Problem };

/**
 * What a job wants done to the world. The job decides and writes; its Durable Object carries these out, in order, after
 * the writes. Each may be lost with the machine that holds it: the alarm, the hive's resend or the registry's audit
 * brings it about again.
 */
export type Effect =
  /** Send the operation to the hive's control socket. */
  | { readonly do: "deliver"; readonly hive_id: string; readonly term: number }
  /** Ask the hive to stop, on the lane or else on its control socket. */
  | { readonly do: "cancel"; readonly hive_id: string; readonly term: number }
  /** Ask the registry for a place. */
  | { readonly do: "place" }
  /** Tell the registry that the job is over. */
  | { readonly do: "release"; readonly ended: Ended }
  | { readonly do: "say"; readonly message: LaneDown }
  | { readonly do: "close_lane"; readonly why: "done" | "stale_term" }
  /** Show new log entries to every reader. */
  | { readonly do: "show"; readonly entries: readonly LogEntry[] }
  /** Tell every reader something that is true now and not part of the log. */
  | { readonly do: "tell"; readonly notice: Narration }
  | { readonly do: "alarm"; readonly at: number }
  /** Remove everything: the log's time is up. */
  | { readonly do: "forget" };
