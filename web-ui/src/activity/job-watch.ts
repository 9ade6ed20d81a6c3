import { useEffect, useSyncExternalStore } from "react";
import { RbeeError, isLast, type RbeeClient, type JobEvent } from "@rbee/sdk";
import { useRbee } from "@rbee/sdk/react";
import { Store } from "../store.ts";

type Narration = Extract<JobEvent, { type: "narration" }>;
type ProgressEvent = Extract<JobEvent, { type: "progress" }>;

/** What a job has said so far. */
export interface Watched {
  readonly phase: "running" | "succeeded" | "failed" | "cancelled";
  /** It waits, and why. */
  readonly waiting?: string | undefined;
  readonly lines: readonly (Narration & { readonly position: string })[];
  readonly text: string;
  readonly progress?: ProgressEvent | undefined;
  readonly result?: Readonly<Record<string, unknown>> | undefined;
  readonly error?: unknown;
}

export const totalOf = ({ progress }: Watched): number | undefined =>
  progress?.unit === "percent" ? 100 : progress?.total;

const NOTHING: Watched = { phase: "running", lines: [], text: "" };
const LINES_MAX = 2_000;

interface Watch {
  readonly store: Store<Watched>;
  stop: AbortController;
  watchers: number;
  /** Between two events of a replay; live ones come when they come. */
  pace_ms: number;
}

/** A browser opens six connections to one address: however many parts of the page show a job, it is read once. */
const watches = new Map<string, Watch>();

/** A job from its first word, live until it ends. */
export function useJobWatch(job_id: string | undefined): Watched {
  const client = useRbee();
  const watch = job_id === undefined ? undefined : watchOf(client, job_id);
  useEffect(() => {
    if (job_id === undefined || watch === undefined) return undefined;
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
  return useSyncExternalStore(watch?.store.watch ?? watchNothing, watch?.store.get ?? (() => NOTHING));
}

const watchNothing = (): (() => void) => () => undefined;

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
  let last = false;
  try {
    for await (const { event, position } of client.stream(job_id, { signal: stop.signal })) {
      store.update((watched) => after(watched, event, position));
      last = isLast(event);
      if (pace_ms > 0) await new Promise((resolve) => setTimeout(resolve, pace_ms));
      if (stop.signal.aborted) return;
    }
    if (!last) throw new Error("the job's stream ended without a result");
  } catch (error) {
    if (!stop.signal.aborted) store.update((watched) => ({ ...watched, phase: "failed", error }));
  }
}

function after(watched: Watched, event: JobEvent, position: string): Watched {
  switch (event.type) {
    case "narration":
      return { ...watched, lines: [...watched.lines, { ...event, position }].slice(-LINES_MAX) };
    case "progress":
      return { ...watched, progress: event, waiting: undefined };
    case "token":
      return { ...watched, text: watched.text + event.text, waiting: undefined };
    case "state":
      if (event.state === "cancelled") return { ...watched, phase: "cancelled" };
      return { ...watched, waiting: event.state === "queued" ? (event.reason ?? "in the queue") : undefined };
    case "attempt":
      return event.tokens_kept === 0 ? { ...watched, text: "", progress: undefined } : watched;
    case "result":
      return { ...watched, phase: "succeeded", result: event.result };
    case "error":
      return { ...watched, phase: "failed", error: new RbeeError(event) };
  }
}
