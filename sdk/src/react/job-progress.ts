import type { JobEvent, OperationName, OperationResult } from "@rbee/contracts";
import { RbeeError } from "../error.ts";
import type { EventOf } from "../operation.ts";

export type JobStatus = "idle" | "submitting" | "queued" | "running" | "succeeded" | "failed" | "cancelled";

type Said<Type extends JobEvent["type"]> = Extract<JobEvent, { type: Type }>;

/** With its place among all that the job has said, which it keeps when older ones are dropped. */
type Message = Said<"narration"> & { readonly number: number };

/** What a job has said so far, as a page shows it. */
export interface JobProgress<K extends OperationName = OperationName> {
  readonly jobId: string | undefined;
  readonly status: JobStatus;
  /** In words, the newest last. */
  readonly messages: readonly Message[];
  /** In numbers, as they are now. */
  readonly progress: Said<"progress"> | undefined;
  /** The answer of a model so far. */
  readonly text: string;
  /** Lately. */
  readonly tokensPerSecond: number | undefined;
  /** While it waits: where it stands and why. */
  readonly waiting: Said<"state"> | undefined;
  readonly result: OperationResult<K> | undefined;
  readonly error: Error | undefined;
}

/** Messages that a page keeps: a build says thousands. */
const MESSAGES_MAX = 2_000;

export const idle: JobProgress<never> = {
  jobId: undefined,
  status: "idle",
  messages: [],
  progress: undefined,
  text: "",
  tokensPerSecond: undefined,
  waiting: undefined,
  result: undefined,
  error: undefined,
};

export const isOpen = (status: JobStatus): boolean =>
  status === "submitting" || status === "queued" || status === "running";

function withMessage(messages: readonly Message[], said: Said<"narration">): readonly Message[] {
  const number = (messages.at(-1)?.number ?? -1) + 1;
  return [...messages, { ...said, number }].slice(-MESSAGES_MAX);
}

/** What a page shows after one more event. */
export function progressAfter<K extends OperationName>(before: JobProgress<K>, event: EventOf<K>): JobProgress<K> {
  const said = event as JobEvent;
  switch (said.type) {
    case "narration":
      return { ...before, messages: withMessage(before.messages, said) };
    case "progress":
      return { ...before, status: "running", waiting: undefined, progress: said };
    case "token":
      return {
        ...before,
        status: "running",
        waiting: undefined,
        text: said.tool_call === undefined ? before.text + said.text : before.text,
      };
    case "state":
      return said.state === "queued"
        ? { ...before, status: "queued", waiting: said }
        : { ...before, status: said.state === "cancelled" ? "cancelled" : "running", waiting: undefined };
    case "attempt":
      return said.tokens_kept === 0 ? { ...before, text: "", progress: undefined } : before;
    case "result":
      return { ...before, status: "succeeded", result: said.result as OperationResult<K> };
    case "error":
      return { ...before, status: "failed", error: new RbeeError(said) };
  }
}
