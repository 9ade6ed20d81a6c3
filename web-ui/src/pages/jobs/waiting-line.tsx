import { useEffect } from "react";
import type { OperationResult } from "@rbee/sdk";
import { useOperation } from "@rbee/sdk/react";
import { Link } from "wouter";
import { Panel, Trouble } from "../../parts/parts.tsx";
import { Table, type Column } from "../../parts/table.tsx";
import { duration, plural } from "../../parts/words.ts";
import { useFleet, useNow } from "../../queen/fleet.ts";

type QueuedJob = OperationResult<"queue_list">["jobs"][number];

/** What waits, in the order in which it will be served: why, and about how long. Nothing where nothing waits. */
export function WaitingLine() {
  const { fleet } = useFleet();
  const ids = (fleet?.jobs ?? []).filter(({ state }) => state === "queued").map(({ job_id }) => job_id);
  const waiting = ids.join(" ");
  const { data, error, refetch } = useOperation("queue_list", {}, { enabled: waiting !== "" });
  useEffect(() => void (waiting !== "" && refetch()), [waiting, refetch]);
  if (waiting === "") return null;
  if (error !== null) return <Trouble error={error} />;
  if (data === undefined || data.queued === 0) return null;
  const more = data.queued - data.jobs.length;
  return (
    <Panel title="Waiting" note={more > 0 ? `and ${plural(more, "job")} more` : plural(data.queued, "job")} flush>
      <Line jobs={data.jobs} />
    </Panel>
  );
}

function Line({ jobs }: { jobs: readonly QueuedJob[] }) {
  const now = useNow();
  const columns: readonly Column<QueuedJob>[] = [
    {
      title: "Job",
      kind: "name",
      of: ({ job_id, operation, model }) => <Link href={`/jobs/${job_id}`}>{model ?? operation}</Link>,
    },
    { title: "Why", of: ({ hive_id, reason }) => (hive_id === undefined ? reason : `${hive_id}: ${reason}`) },
    { title: "Key", of: ({ key }) => key },
    { title: "Place", kind: "number", of: ({ position }) => position },
    {
      title: "Waited",
      kind: "number",
      of: ({ submitted_at }) => duration(Math.max(0, now - submitted_at)),
    },
    {
      title: "Starts in",
      kind: "number",
      of: ({ eta_ms }) => (eta_ms === undefined ? null : `about ${duration(eta_ms)}`),
    },
  ];
  return <Table columns={columns} rows={jobs} keyOf={({ job_id }) => job_id} />;
}
