import type { OperationName } from "@rbee/contracts";
import { useCallback, useEffect, useRef, useState } from "react";
import type { Call, CallOptions } from "../call.ts";
import { RbeeError } from "../error.ts";
import type { EventOf } from "../operation.ts";
import { SpeedMeter } from "./speed-meter.ts";
import { idle, progressAfter, type JobProgress } from "./job-progress.ts";

type OnEvent<K extends OperationName> = (event: EventOf<K>, job: JobProgress<K>) => void;

/** Makes the call that is to be followed, to be read as it is told. */
export type Begin<K extends OperationName> = (
  reading: Pick<CallOptions, "signal" | "cancelOnAbort" | "giveUp">,
) => Call<K>;

/** Follows one call at a time. */
export interface Following<K extends OperationName> {
  readonly job: JobProgress<K>;
  /** Shows this call from now on. @returns how it ended; `undefined` when something else, or nothing, is shown by then */
  readonly follow: (begin: Begin<K>, onEvent?: OnEvent<K>) => Promise<JobProgress<K> | undefined>;
  /** Shows nothing. The job goes on. */
  readonly reset: () => void;
  readonly cancel: () => Promise<void>;
}

/** What a call says, as state of a component. When that goes, nothing is read any more, and the job goes on. */
export function useFollowing<K extends OperationName>(): Following<K> {
  const [job, setJob] = useState<JobProgress<K>>(idle);
  const shown = useRef<{ readonly call: Call<K>; readonly reading: AbortController } | undefined>(undefined);
  const leave = useCallback(() => {
    shown.current?.reading.abort();
    shown.current = undefined;
  }, []);
  useEffect(() => leave, [leave]);

  const follow: Following<K>["follow"] = useCallback(
    async (begin, onEvent) => {
      leave();
      const reading = new AbortController();
      const { signal } = reading;
      const call = begin({ signal, cancelOnAbort: false, giveUp: false });
      shown.current = { call, reading };
      const meter = new SpeedMeter();
      let now: JobProgress<K> = { ...idle, status: "submitting" };
      const show = (next: JobProgress<K>): boolean => {
        if (!signal.aborted) setJob((now = next));
        return !signal.aborted;
      };
      show(now);
      try {
        show({ ...now, jobId: await call.id });
        for await (const event of call) {
          const tokensPerSecond = event.type === "token" ? meter.token(performance.now()) : now.tokensPerSecond;
          if (!show({ ...progressAfter(now, event), tokensPerSecond })) return undefined;
          onEvent?.(event, now);
        }
        const result = await call.result();
        return show({ ...now, status: "succeeded", result }) ? now : undefined;
      } catch (error) {
        const cancelled = error instanceof RbeeError && error.code === "cancelled";
        const failed = { ...now, status: "failed", error: error as Error } as const;
        return show(cancelled ? { ...now, status: "cancelled" } : failed) ? now : undefined;
      }
    },
    [leave],
  );

  const reset = useCallback(() => {
    leave();
    setJob(idle);
  }, [leave]);
  const cancel = useCallback(async () => void (await shown.current?.call.cancel()), []);
  return { job, follow, reset, cancel };
}
