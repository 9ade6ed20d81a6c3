import type { JobLine, OperationName } from "@rbee/contracts";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { isOpen, type JobProgress } from "./job-progress.ts";
import { retryOnce, useRbee } from "./provider.ts";
import { useFollowing } from "./use-following.ts";
import { useHeartbeats } from "./use-heartbeats.ts";

export interface FollowedJob<K extends OperationName> extends JobProgress<K> {
  readonly loading: boolean;
  readonly cancel: () => Promise<void>;
}

/** One job, whoever submitted it: what it said from its first word, and what it says now. */
export function useJob<K extends OperationName = OperationName>(jobId: string | undefined): FollowedJob<K> {
  const client = useRbee();
  const { job, follow, reset, cancel } = useFollowing<K>();
  useEffect(() => {
    if (jobId !== undefined) void follow((reading) => client.attach<K>(jobId, reading));
    return reset;
  }, [client, follow, reset, jobId]);
  return { ...job, loading: isOpen(job.status), cancel };
}

/** The newest jobs, live. */
export function useJobs({ limit = 50 }: { readonly limit?: number } = {}): {
  readonly jobs: readonly JobLine[];
  readonly loading: boolean;
  readonly error: Error | undefined;
} {
  const client = useRbee();
  const cache = useQueryClient();
  const news = useHeartbeats().fleet?.jobs;
  const queryKey = ["rbee", "jobs", limit];
  const { data, isPending, error } = useQuery({
    queryKey,
    queryFn: async () => client.list({ limit }),
    retry: retryOnce,
  });
  useEffect(() => {
    // One at a time: where news come faster than answers, each would be dropped for the next.
    if (news !== undefined) void cache.invalidateQueries({ queryKey: ["rbee", "jobs"] }, { cancelRefetch: false });
  }, [cache, news]);
  return { jobs: data ?? [], loading: isPending, error: error ?? undefined };
}
