import type { OperationName } from "@rbee/contracts";
import { useCallback, useEffect, useRef, useState } from "react";
import type { Call } from "../call.ts";
import { RbeeError } from "../error.ts";
import type { EventOf } from "../operation.ts";
import { SpeedMeter } from "./speed-meter.ts";
import { idle, progressAfter, type JobProgress } from "./job-progress.ts";

type OnEvent<K extends OperationName> = (event: EventOf<K>, job: JobProgress<K>) => void;

/** Follows one call at a time. */
export interface Following<K extends OperationName> {
  readonly job: JobProgress<K>;
  /** Shows this call from now on. @returns how it ended; `undefined` when something else, or nothing, is shown by then */
  readonly follow: (call: Call<K>, onEvent?: OnEvent<K>) => Promise<JobProgress<K> | undefined>;
  /** Shows nothing. The job goes on. */
  readonly reset: () => void;
  readonly cancel: () => Promise<void>;
}

/** What a call says, as state of a component. When that goes, nothing is read any more, and the job goes on. */
export function useFollowing<K extends OperationName>(): Following<K> {
  const [job, setJob] = useState<JobProgress<K>>(idle);
  /** The call that is shown: what others say is not listened to any more. */
  const shown = useRef<Call<K> | undefined>(undefined);
  useEffect(() => () => void (shown.current = undefined), []);

  const follow: Following<K>["follow"] = useCallback(async (call, onEvent) => {
    shown.current = call;
    const meter = new SpeedMeter();
    let now: JobProgress<K> = { ...idle, status: "submitting" };
    const show = (next: JobProgress<K>): boolean => {
      if (shown.current === call) setJob((now = next));
      return shown.current === call;
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
  }, []);

  const reset = useCallback(() => {
    shown.current = undefined;
    setJob(idle);
  }, []);
  const cancel = useCallback(async () => void (await shown.current?.cancel()), []);
  return { job, follow, reset, cancel };
}
