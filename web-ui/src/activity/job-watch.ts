import { useEffect, useSyncExternalStore } from "react";
import type { RbeeClient } from "@rbee/sdk";
import { useRbee, type JobProgress } from "@rbee/sdk/react";
import { idle, isOpen, progressAfter } from "@rbee/sdk/react/parts";
import { Store } from "../store.ts";

export const totalOf = ({ progress }: JobProgress): number | undefined =>
  progress?.unit === "percent" ? 100 : progress?.total;

/** Why it does not run yet; undefined when it does. */
export const waitOf = ({ waiting }: JobProgress): string | undefined => waiting && (waiting.reason ?? "in the queue");

const NOTHING: JobProgress = { ...idle, status: "submitting" };

interface Watch {
  readonly store: Store<JobProgress>;
  stop: AbortController;
  watchers: number;
  /** Between two events of a replay; live ones come when they come. */
  pace_ms: number;
}

/** A browser opens six connections to one address: however many parts of the page show a job, it is read once. */
const watches = new Map<string, Watch>();

/** A job from its first word, live until it ends. */
export function useJobWatch(job_id: string): JobProgress {
  const watch = watchOf(useRbee(), job_id);
  useEffect(() => {
    watch.watchers++;
    return () => {
      watch.watchers--;
      // The next page may show the same job in this very moment.
      queueMicrotask(() => {
        if (watch.watchers > 0 || watches.get(job_id) !== watch) return;
        watch.stop.abort();
        watches.delete(job_id);
      });
    };
  }, [job_id, watch]);
  return useSyncExternalStore(watch.store.watch, watch.store.get);
}

function watchOf(client: RbeeClient, job_id: string): Watch {
  const known = watches.get(job_id);
  if (known !== undefined) return known;
  const watch: Watch = { store: new Store(NOTHING), stop: new AbortController(), watchers: 0, pace_ms: 0 };
  watches.set(job_id, watch);
  void read(client, job_id, watch);
  return watch;
}

/** Reads a job's log once more from its first word, slowly enough to follow. */
export function rewatch(client: RbeeClient, job_id: string): void {
  const watch = watches.get(job_id);
  if (watch === undefined) return;
  watch.stop.abort();
  watch.stop = new AbortController();
  watch.store.set(NOTHING);
  watch.pace_ms = REPLAY_EVENT_MS;
  void read(client, job_id, watch);
}

const REPLAY_EVENT_MS = 25;

async function read(client: RbeeClient, job_id: string, { store, stop, pace_ms }: Watch): Promise<void> {
  try {
    for await (const event of client.attach(job_id, { signal: stop.signal, giveUp: false })) {
      store.update((job) => progressAfter(job, event));
      if (pace_ms > 0) await new Promise((resolve) => setTimeout(resolve, pace_ms));
      if (stop.signal.aborted) return;
    }
    if (isOpen(store.get().status)) throw new Error("the job's stream ended without a result");
  } catch (error) {
    if (!stop.signal.aborted) store.update((job) => ({ ...job, status: "failed", error: error as Error }));
  }
}
