import { useEffect, useSyncExternalStore } from "react";
import { RbeeError, isLast, type JobClient, type JobEvent } from "@rbee/sdk";
import { useClient } from "../queen/client.tsx";
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
  /** Of the answer, since its first token. */
  readonly tokens_per_s?: number | undefined;
  readonly first_token?: { readonly at: number; readonly tokens: number } | undefined;
  readonly progress?: ProgressEvent | undefined;
  readonly result?: Readonly<Record<string, unknown>> | undefined;
  readonly error?: unknown;
}

const NOTHING: Watched = { phase: "running", lines: [], text: "" };
const LINES_MAX = 2_000;

interface Watch {
  readonly store: Store<Watched>;
  stop: AbortController;
  watchers: number;
}

/** A browser opens six connections to one address: however many parts of the page show a job, it is read once. */
const watches = new Map<string, Watch>();

/** A job from its first word, live until it ends. */
export function useJobWatch(job_id: string | undefined): Watched {
  const client = useClient();
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

function watchOf(client: JobClient, job_id: string): Watch {
  const known = watches.get(job_id);
  if (known !== undefined) return known;
  const watch: Watch = { store: new Store(NOTHING), stop: new AbortController(), watchers: 0 };
  watches.set(job_id, watch);
  void read(client, job_id, watch);
  return watch;
}

/** Reads a job's log once more from its first word, slowly enough to follow. */
export function rewatch(client: JobClient, job_id: string): void {
  const watch = watches.get(job_id);
  if (watch === undefined) return;
  watch.stop.abort();
  watch.stop = new AbortController();
  watch.store.set(NOTHING);
  void read(client, job_id, watch, REPLAY_EVENT_MS);
}

const REPLAY_EVENT_MS = 25;

async function read(client: JobClient, job_id: string, watch: Watch, pace_ms = 0): Promise<void> {
  const { store, stop } = watch;
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

/** Measured once there is something to measure. */
function paceAfter({
  first_token = { at: performance.now(), tokens: 0 },
}: Watched): Pick<Watched, "first_token" | "tokens_per_s"> {
  const [tokens, ms] = [first_token.tokens + 1, performance.now() - first_token.at];
  return { first_token: { ...first_token, tokens }, tokens_per_s: ms < 200 ? undefined : (1_000 * tokens) / ms };
}

function after(watched: Watched, event: JobEvent, position: string): Watched {
  switch (event.type) {
    case "narration":
      return { ...watched, lines: [...watched.lines, { ...event, position }].slice(-LINES_MAX) };
    case "progress":
      return { ...watched, progress: event, waiting: undefined };
    case "token":
      return { ...watched, ...paceAfter(watched), text: watched.text + event.text, waiting: undefined };
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
