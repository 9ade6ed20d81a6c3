import type { OperationResult } from "@rbee/sdk";
import { useLaunch } from "../../activity/launch.ts";
import { bytes } from "../../parts/words.ts";

/** An engine that a hive has or could have. */
export type Offer = OperationResult<"worker_catalog_list">["workers"][number];

/** What there is to say of an offer before one takes it. */
export function offerWords({ version, method, size_bytes, installable, reason }: Offer): string[] {
  const unknown = method === "build" ? "built from source" : "size unknown";
  const size = size_bytes === undefined ? unknown : bytes(size_bytes);
  return [version, size, ...(installable ? [] : [reason ?? "not on this machine"])];
}

/** Fetches an engine, or builds it where it comes as source. @returns the job */
export function useInstall(): (hive_id: string, offer: Offer) => Promise<string | undefined> {
  const launch = useLaunch();
  return (hive_id, { method, worker_type }) =>
    method === "build"
      ? launch(`Build ${worker_type} on ${hive_id}`, "worker_build", { hive_id, worker_type })
      : launch(`Install ${worker_type} on ${hive_id}`, "worker_download", { hive_id, worker_type });
}
