import { ListTodo } from "lucide-react";
import { useState } from "react";
import type { JobLine, JobState } from "@rbee/sdk";
import { useJobs } from "@rbee/sdk/react";
import { limits } from "@rbee/sdk/react/parts";
import { Link, useLocation } from "wouter";
import { Badge, Empty, PageHead, Panel, Trouble, Waiting, type Tone } from "../../parts/parts.tsx";
import { Segments } from "../../parts/segments.tsx";
import { Table, type Column } from "../../parts/table.tsx";
import { ago, duration } from "../../parts/words.ts";
import { useFleet, useNow } from "../../queen/fleet.ts";
import { WaitingLine } from "./waiting-line.tsx";

export const JOB_TONES: Readonly<Record<JobState, Tone>> = {
  queued: "warn",
  dispatched: "accent",
  running: "accent",
  succeeded: "good",
  failed: "bad",
  cancelled: "plain",
};

/** Questions that a page asks all the time; who looks for work does not look for them. */
const isQuestion = ({ operation, state }: JobLine): boolean =>
  state === "succeeded" && /^(status|.*_(list|get|search|status|report|check))$/.test(operation);

const filters = {
  work: { title: "Work", none: "No work yet", fits: (job: JobLine) => !isQuestion(job) },
  open: { title: "Open", none: "Nothing is open", fits: ({ finished_at }: JobLine) => finished_at === undefined },
  failed: { title: "Failed", none: "Nothing failed", fits: ({ state }: JobLine) => state === "failed" },
  all: { title: "All", none: "No job yet", fits: () => true },
} as const;
type Filter = keyof typeof filters;
const titles = Object.fromEntries(Object.entries(filters).map(([name, { title }]) => [name, title]));

/** As many as a queen lists. */
const LISTED_MAX = limits.jobs_listed_max;

/** The newest as they change, and behind them older ones as they were listed. */
function useNewest(): { readonly jobs: readonly JobLine[] | undefined; readonly error: Error | undefined } {
  const { fleet } = useFleet();
  const { jobs: listed, loading, error } = useJobs({ limit: LISTED_MAX });
  if (loading) return { jobs: undefined, error };
  const live = fleet?.jobs ?? [];
  const known = new Set(live.map(({ job_id }) => job_id));
  return { jobs: [...live, ...listed.filter(({ job_id }) => !known.has(job_id))].slice(0, LISTED_MAX), error };
}

export default function JobsPage() {
  const { connected } = useFleet();
  const { jobs: all, error } = useNewest();
  const [filter, setFilter] = useState<Filter>("work");
  const jobs = all?.filter(filters[filter].fits);
  const isCut = (all?.length ?? 0) >= LISTED_MAX;
  const notes = [connected ? "live" : "", isCut ? `the newest ${LISTED_MAX}` : ""];
  return (
    <>
      <PageHead title="Jobs">
        <Segments label="Which jobs" options={titles as Record<Filter, string>} value={filter} onChange={setFilter} />
      </PageHead>
      <div className="stack">
        <WaitingLine />
        <Panel title="Newest first" flush note={notes.filter(Boolean).join(", ")}>
          {error === undefined ? null : (
            <div className="body">
              <Trouble error={error} />
            </div>
          )}
          {jobs === undefined ? <Waiting lines={6} /> : null}
          {jobs?.length === 0 && error === undefined ? (
            <Empty
              icon={ListTodo}
              title={`${filters[filter].none}${isCut ? ` among the newest ${LISTED_MAX}` : ""}`}
              {...(filter === "failed" ? {} : { to: { href: "/chat", words: "Ask a model something" } })}
            >
              Every request is a job, with a log that can be read during and after it.
            </Empty>
          ) : null}
          {jobs === undefined || jobs.length === 0 ? null : <JobTable jobs={jobs} />}
        </Panel>
      </div>
    </>
  );
}

function JobTable({ jobs }: { jobs: readonly JobLine[] }) {
  const now = useNow();
  const [, go] = useLocation();
  const columns: readonly Column<JobLine>[] = [
    {
      title: "Job",
      kind: "name",
      of: ({ job_id, operation }) => (
        <Link href={`/jobs/${job_id}`} onClick={(event) => event.stopPropagation()}>
          {operation}
        </Link>
      ),
    },
    { title: "Model", of: ({ model }) => model },
    { title: "Hive", of: ({ hive_id }) => hive_id },
    {
      title: "Took",
      kind: "number",
      of: ({ submitted_at, finished_at = now }) => duration(Math.max(0, finished_at - submitted_at)),
    },
    { title: "Submitted", kind: "number", of: ({ submitted_at }) => ago(submitted_at, now) },
    {
      title: "State",
      kind: "state",
      of: ({ state, error_code }) => <Badge tone={JOB_TONES[state]}>{error_code ?? state}</Badge>,
    },
  ];
  return (
    <Table
      columns={columns}
      rows={jobs}
      keyOf={({ job_id }) => job_id}
      row={({ job_id }) => ({ className: "opens", onClick: () => go(`/jobs/${job_id}`) })}
    />
  );
}
