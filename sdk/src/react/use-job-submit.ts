import type { OperationName, OperationResult } from "@rbee/contracts";
import { useCallback, useEffect, useRef } from "react";
import type { EventOf, Operation } from "../operation.ts";
import { isOpen, type JobProgress } from "./job-progress.ts";
import { useRbee } from "./provider.ts";
import { useFollowing } from "./use-following.ts";

export interface JobSubmitOptions {
  /** Everything that the job says, and what a page shows after it. */
  readonly onProgress?: ((event: EventOf<OperationName>, job: JobProgress) => void) | undefined;
  /** It has succeeded. */
  readonly onComplete?: ((result: OperationResult<OperationName>, operation: OperationName) => void) | undefined;
}

export interface JobSubmit extends JobProgress {
  /** Submits and follows. @returns the result; `undefined` when it failed, was cancelled, or another job was submitted since */
  readonly submitJob: <K extends OperationName>(op: Operation<K>) => Promise<OperationResult<K> | undefined>;
  readonly loading: boolean;
  /** Stops the job. What it said stays. */
  readonly cancel: () => Promise<void>;
  readonly reset: () => void;
}

/** Submits operations, one at a time, and shows what the newest one says. */
export function useJobSubmit(options: JobSubmitOptions = {}): JobSubmit {
  const client = useRbee();
  const { job, follow, cancel, reset } = useFollowing<OperationName>();
  const told = useRef(options);
  useEffect(() => void (told.current = options));

  const submitJob: JobSubmit["submitJob"] = useCallback(
    async <K extends OperationName>({ operation, ...input }: Operation<K>) => {
      const end = await follow(
        (reading) => client.call<OperationName>(operation, input, reading),
        (event, job) => told.current.onProgress?.(event, job),
      );
      const result = end?.result;
      if (result !== undefined) told.current.onComplete?.(result, operation);
      return result as OperationResult<K> | undefined;
    },
    [client, follow],
  );
  return { ...job, submitJob, loading: isOpen(job.status), cancel, reset };
}
