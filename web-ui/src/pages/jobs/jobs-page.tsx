import { ListTodo } from "lucide-react";
import { useState } from "react";
import type { JobLine, JobState } from "@rbee/sdk";
import { Link, useLocation } from "wouter";
import { Badge, Empty, PageHead, Panel, Waiting, type Tone } from "../../parts/parts.tsx";
import { ago, duration } from "../../parts/words.ts";
import { useFleet, useNow } from "../../queen/fleet.ts";

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
  work: { title: "Work", fits: (job: JobLine) => !isQuestion(job) },
  open: {
    title: "Open",
    fits: ({ state }: JobLine) => state === "queued" || state === "dispatched" || state === "running",
  },
  failed: { title: "Failed", fits: ({ state }: JobLine) => state === "failed" },
  all: { title: "All", fits: () => true },
} as const;
type Filter = keyof typeof filters;

export default function JobsPage() {
  const { fleet } = useFleet();
  const [filter, setFilter] = useState<Filter>("work");
  const jobs = fleet?.jobs.filter(filters[filter].fits);
  return (
    <>
      <PageHead title="Jobs">
        <div className="segments" role="group" aria-label="Which jobs">
          {Object.entries(filters).map(([name, { title }]) => (
            <button key={name} type="button" aria-pressed={name === filter} onClick={() => setFilter(name as Filter)}>
              {title}
            </button>
          ))}
        </div>
      </PageHead>
      <Panel title="Newest first" flush note="live">
        {jobs === undefined ? <Waiting lines={6} /> : jobs.length === 0 ? <NoJobs /> : <JobTable jobs={jobs} />}
      </Panel>
    </>
  );
}

const NoJobs = () => (
  <Empty
    icon={ListTodo}
    title="Nothing here"
    action={
      <Link href="/chat" className="button">
        Ask a model something
      </Link>
    }
  >
    Every request is a job, with a log that can be read during and after it.
  </Empty>
);

function JobTable({ jobs }: { jobs: readonly JobLine[] }) {
  const now = useNow();
  return (
    <div className="table-wrap">
      <table>
        <thead>
          <tr>
            <th scope="col">Job</th>
            <th scope="col">Model</th>
            <th scope="col">Hive</th>
            <th scope="col" className="right">
              Took
            </th>
            <th scope="col" className="right">
              Submitted
            </th>
            <th scope="col">State</th>
          </tr>
        </thead>
        <tbody>
          {jobs.map((job) => (
            <JobRow key={job.job_id} job={job} now={now} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function JobRow({ job, now }: { job: JobLine; now: number }) {
  const [, go] = useLocation();
  const { job_id, operation, model, hive_id, submitted_at, finished_at, state, error_code } = job;
  return (
    <tr className="opens" onClick={() => go(`/jobs/${job_id}`)}>
      <td className="name">
        <Link href={`/jobs/${job_id}`} onClick={(event) => event.stopPropagation()}>
          {operation}
        </Link>
      </td>
      <td data-label="Model">{model ?? <span className="muted">–</span>}</td>
      <td data-label="Hive">{hive_id ?? <span className="muted">–</span>}</td>
      <td data-label="Took" className="right number">
        {duration(Math.max(0, (finished_at ?? now) - submitted_at))}
      </td>
      <td data-label="Submitted" className="right number muted">
        {ago(submitted_at, now)}
      </td>
      <td data-label="State">
        <Badge tone={JOB_TONES[state]}>{error_code ?? state}</Badge>
      </td>
    </tr>
  );
}
