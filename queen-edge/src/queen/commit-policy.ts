import { limits } from "@rbee/contracts";
import type { EventLog, LogEntry } from "@rbee/job-core";

/** When what was heard must be durable before the turn ends: a row for every token would be the slowest thing of all. */
export class CommitPolicy {
  #due = false;
  /** Whether a token is known to be durable; forgotten with the object, which costs one early commit. */
  #tokenKept = false;

  /** The hive asks for it. */
  want(): void {
    this.#due = true;
  }

  /**
   * The first token is committed before anyone sees it, so that "was anything shown?" has a durable answer. With
   * `everyToken` each one is: another hive may have to go on exactly behind what was shown. [LANE-4]
   */
  heard(log: EventLog, entries: readonly LogEntry[], { everyToken }: { everyToken: boolean }): void {
    const tokens = entries.some(({ event }) => event.type === "token");
    const early = log.acked === 0 || (tokens && (everyToken || !this.#tokenKept));
    this.#due ||= early || log.tailEvents >= limits.commit_events || log.tailBytes >= limits.commit_bytes;
    this.#tokenKept ||= tokens;
  }

  /** Whether a commit is due; asking settles it. */
  take(): boolean {
    const due = this.#due;
    this.#due = false;
    return due;
  }
}
