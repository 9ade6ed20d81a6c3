import type { OperationRequest } from "@rbee/contracts";
import { useCallback, useEffect, useState } from "react";
import { chatStorage, type ChatMemory, type ChatTurn } from "./chat-storage.ts";
import { isOpen, type JobProgress } from "./job-progress.ts";
import { useRbee } from "./provider.ts";
import { useFollowing, type Begin } from "./use-following.ts";

type Parameters = Omit<OperationRequest<"infer">, "model" | "prompt" | "messages" | "raw" | "suffix">;

export interface ChatOptions {
  readonly model: string;
  readonly system?: string | undefined;
  /** Temperature, `max_tokens`, a JSON schema, … */
  readonly parameters?: Parameters | undefined;
  /** Where the chat is kept over a reload. Without it, it is not. */
  readonly storageKey?: string | undefined;
  /** The tab's, unless given: `() => localStorage` keeps the chat for ever. */
  readonly storage?: (() => Storage) | undefined;
}

export interface Chat {
  /** With the answer that is under way as the last one. */
  readonly messages: readonly ChatTurn[];
  readonly send: (text: string) => Promise<void>;
  /** Asks the last question again. */
  readonly retry: () => Promise<void>;
  /** Ends the answer; what there is of it stays. */
  readonly stop: () => Promise<void>;
  /** Forgets everything. */
  readonly clear: () => Promise<void>;
  readonly streaming: boolean;
  readonly jobId: string | undefined;
  /** While it waits for a place: where it stands and why. */
  readonly waiting: JobProgress["waiting"];
  /** Of the answer under way as it comes, then as the engine measured it. */
  readonly tokensPerSecond: number | undefined;
  readonly error: Error | undefined;
}

/**
 * A conversation with a model. With a `storageKey`, a page that is loaded anew goes on with the answer where it is by then.
 * Another chat is another component: give it another `key`.
 */
export function useChat({ model, system, parameters, storageKey, storage }: ChatOptions): Chat {
  const client = useRbee();
  const [store] = useState(() => chatStorage(storageKey, storage));
  const [memory, setMemory] = useState<ChatMemory>(() => store.read());
  const { job, follow, cancel, reset } = useFollowing<"infer">();

  const keep = useCallback(
    (next: ChatMemory) => {
      setMemory(next);
      store.write(next);
    },
    [store],
  );

  const hear = useCallback(
    async (begin: Begin<"infer">, turns: readonly ChatTurn[]) => {
      const end = await follow((reading) => {
        const call = begin(reading);
        call.id.then((jobId) => store.write({ turns, jobId })).catch(() => undefined);
        return call;
      });
      if (end === undefined) return;
      const answer: ChatTurn = { role: "assistant", content: end.text, ...howEnded[end.status] };
      keep({ turns: end.text === "" ? turns : [...turns, answer] });
    },
    [follow, keep, store],
  );

  // What was being answered when the page went away is heard from its first word.
  useEffect(() => {
    const { turns, jobId } = store.read();
    if (jobId !== undefined) void hear((reading) => client.attach<"infer">(jobId, reading), turns);
  }, [client, hear, store]);

  const ask = (turns: readonly ChatTurn[]): Promise<void> => {
    keep({ turns });
    const said = answered(turns).map(({ role, content }) => ({ role, content }));
    const messages = system === undefined ? said : [{ role: "system" as const, content: system }, ...said];
    return hear((reading) => client.infer({ ...parameters, model, messages }, reading), turns);
  };

  const { turns } = memory;
  const open = isOpen(job.status);
  const isAnswered = turns.at(-1)?.role !== "user";
  return {
    messages: isAnswered || job.text === "" ? turns : [...turns, { role: "assistant", content: job.text }],
    send: (text) => ask([...turns, { role: "user", content: text }]),
    retry: () => ask(turns.slice(0, turns.findLastIndex(({ role }) => role === "user") + 1)),
    stop: cancel,
    clear: async () => {
      if (open) await cancel();
      reset();
      keep({ turns: [] });
    },
    streaming: open,
    jobId: job.jobId,
    waiting: job.waiting,
    tokensPerSecond: job.result?.timings.tokens_per_s ?? job.tokensPerSecond,
    error: job.error,
  };
}

/** Without the questions that got no answer, but for the newest: many models take no two in a row. */
const answered = (turns: readonly ChatTurn[]): readonly ChatTurn[] =>
  turns.filter(({ role }, at) => role !== "user" || turns[at + 1]?.role !== "user");

const howEnded: Partial<Record<JobProgress["status"], Pick<ChatTurn, "ended">>> = {
  cancelled: { ended: "stopped" },
  failed: { ended: "failed" },
};
