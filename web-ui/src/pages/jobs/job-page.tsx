import { ArrowLeft, RotateCcw, RotateCw, X } from "lucide-react";
import { useEffect } from "react";
import { useQuery } from "@tanstack/react-query";
import type { JobView } from "@rbee/sdk";
import { Link, useLocation } from "wouter";
import { rewatch, totalOf, useJobWatch, waitOf } from "../../activity/job-watch.ts";
import { useCancel, useRetry } from "../../activity/launch.ts";
import { useBusy } from "../../parts/busy.ts";
import { Badge, CodeBlock, Facts, PageHead, Panel, Progress, Trouble, Waiting } from "../../parts/parts.tsx";
import { duration, moment } from "../../parts/words.ts";
import { useRbee, type JobProgress } from "@rbee/sdk/react";
import { isOpen } from "@rbee/sdk/react/parts";
import { JOB_TONES } from "./jobs-page.tsx";
import "../../styles/models.css";

/** One job: what it said, what came of it, and what one may do about it. */
export default function JobPage({ id }: { id: string }) {
  const client = useRbee();
  const watched = useJobWatch(id);
  const { data: job, error, refetch } = useQuery({ queryKey: ["job", id], queryFn: () => client.get(id) });
  const { status, text, progress } = watched;
  const waiting = waitOf(watched);
  // Each of these says that it stands somewhere else now. What came before the first answer did not ask for another one.
  const begun = text !== "" || progress !== undefined;
  const isKnown = job !== undefined;
  useEffect(() => void refetch(), [status, waiting, begun, isKnown, refetch]);
  return (
    <>
      <PageHead
        title={job?.operation ?? "Job"}
        note={job === undefined ? null : <Badge tone={JOB_TONES[job.state]}>{job.state}</Badge>}
      >
        <Link href="/jobs" className="button">
          <ArrowLeft aria-hidden="true" />
          All jobs
        </Link>
        {job === undefined ? null : <Actions job={job} watched={watched} />}
      </PageHead>
      {error === null ? null : <Trouble error={error} />}
      {job === undefined ? (
        error === null && <Waiting lines={6} />
      ) : (
        <div className="stack">
          {isOpen(status) ? <Progress label="Progress" done={progress?.done ?? 0} total={totalOf(watched)} /> : null}
          {status === "failed" ? <Trouble error={watched.error} /> : null}
          <Panel title="About">
            <Facts
              rows={{
                Job: <code>{id}</code>,
                Hive: job.hive_id,
                Worker: job.worker_id,
                Submitted: moment(job.submitted_at),
                Took: job.finished_at === undefined ? undefined : duration(job.finished_at - job.submitted_at),
                Waits: waiting,
                Dispatches: job.dispatches > 1 ? String(job.dispatches) : undefined,
              }}
            />
          </Panel>
          <Said watched={watched} />
        </div>
      )}
    </>
  );
}

function Said({ watched: { messages, text, result } }: { watched: JobProgress }) {
  return (
    <>
      {text === "" ? null : (
        <Panel title="Text">
          <p className="job-text">{text}</p>
        </Panel>
      )}
      {messages.length === 0 ? null : (
        <Panel title="Narration">
          <ol className="narration">
            {messages.map(({ number, human, level, actor }) => (
              <li key={number} className={level}>
                <span className="muted">{actor}</span> {human}
              </li>
            ))}
          </ol>
        </Panel>
      )}
      {result === undefined ? null : (
        <Panel title="Result">
          <CodeBlock label="Result">
            {JSON.stringify(withoutText(result, text), null, 2).slice(0, SHOWN_CHARS_MAX)}
          </CodeBlock>
        </Panel>
      )}
    </>
  );
}

/** The text that stands above is not said twice. */
const withoutText = (result: Readonly<Record<string, unknown>>, shown: string): Readonly<Record<string, unknown>> =>
  result["text"] === shown ? { ...result, text: undefined } : result;

/** A page with more than this is no help to anyone. */
const SHOWN_CHARS_MAX = 60_000;

/** An ended job can be read again and asked for again; an open one can be stopped. */
function Actions({ job, watched }: { job: JobView; watched: JobProgress }) {
  const { job_id, state, finished_at } = job;
  const client = useRbee();
  const [, go] = useLocation();
  const retry = useRetry();
  const { cancelling, cancel } = useCancel(job_id);
  const { busy, during } = useBusy();
  const again = async (): Promise<void> => {
    const next = await retry(job_id);
    if (next !== undefined) go(`/jobs/${next}`);
  };
  if (finished_at === undefined)
    return (
      <button type="button" className="button" disabled={cancelling} onClick={() => void cancel()}>
        <X aria-hidden="true" />
        {cancelling ? "Cancelling…" : "Cancel"}
      </button>
    );
  const replaying = isOpen(watched.status);
  return (
    <>
      <button
        type="button"
        className="button"
        title="Read its log again, as it came"
        disabled={replaying}
        onClick={() => rewatch(client, job_id)}
      >
        <RotateCcw aria-hidden="true" />
        {replaying ? "Replaying…" : "Replay"}
      </button>
      {state === "succeeded" ? null : (
        <button type="button" className="button primary" disabled={busy} onClick={() => during(again())}>
          <RotateCw aria-hidden="true" />
          Retry
        </button>
      )}
    </>
  );
}
