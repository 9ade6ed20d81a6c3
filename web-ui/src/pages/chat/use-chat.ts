import { useEffect, useState } from "react";
import type { OperationRequest } from "@rbee/sdk";
import { useJobWatch } from "../../activity/job-watch.ts";
import { useClient } from "../../queen/client.tsx";
import { kept } from "../../store.ts";

export interface Turn {
  readonly role: "user" | "assistant";
  readonly content: string;
  readonly ended?: "stopped" | "failed";
}

interface Memory {
  readonly turns: readonly Turn[];
  readonly jobId?: string;
}

export type Parameters = Pick<
  OperationRequest<"infer">,
  "temperature" | "top_p" | "max_tokens" | "seed" | "response_format"
>;

const NAME = "rbee.chat";

function remembered(): Memory {
  try {
    const found = JSON.parse(kept.get(NAME, () => sessionStorage) ?? "null") as Memory | null;
    return Array.isArray(found?.turns) ? found : { turns: [] };
  } catch {
    return { turns: [] };
  }
}

/** A conversation. A page that is loaded anew goes on with the answer where it is by then: the job's log has it all. */
export function useChat({ model, system, parameters }: { model: string; system: string; parameters: Parameters }) {
  const client = useClient();
  const [memory, setMemory] = useState(remembered);
  const [refusal, setRefusal] = useState<unknown>();
  const { turns, jobId } = memory;
  const watched = useJobWatch(jobId);
  const keep = (next: Memory): void => {
    setMemory(next);
    kept.set(NAME, JSON.stringify(next), () => sessionStorage);
  };
  useEffect(() => {
    if (jobId === undefined || watched.phase === "running") return;
    const ended =
      watched.phase === "cancelled"
        ? { ended: "stopped" as const }
        : watched.phase === "failed"
          ? { ended: "failed" as const }
          : {};
    if (watched.error !== undefined) setRefusal(watched.error);
    keep({ turns: watched.text === "" ? turns : [...turns, { role: "assistant", content: watched.text, ...ended }] });
  }, [jobId, watched, turns]);

  const ask = async (turns: readonly Turn[]): Promise<void> => {
    setRefusal(undefined);
    keep({ turns });
    const messages = [
      ...(system === "" ? [] : [{ role: "system" as const, content: system }]),
      ...turns.map(({ role, content }) => ({ role, content })),
    ];
    try {
      const { job_id } = await client.submit("infer", { ...parameters, model, messages });
      keep({ turns, jobId: job_id });
    } catch (error) {
      setRefusal(error);
    }
  };
  return {
    messages:
      jobId === undefined || watched.text === ""
        ? turns
        : [...turns, { role: "assistant" as const, content: watched.text }],
    streaming: jobId !== undefined,
    waiting: jobId === undefined ? undefined : watched.waiting,
    tokensPerSecond: watched.tokens_per_s,
    error: refusal,
    send: (text: string) => ask([...turns, { role: "user", content: text }]),
    retry: () => ask(turns.slice(0, turns.findLastIndex(({ role }) => role === "user") + 1)),
    stop: async () => void (jobId === undefined ? undefined : await client.cancel(jobId)),
    clear: () => keep({ turns: [] }),
  };
}
