import { ArrowLeft, RotateCcw, RotateCw, X } from "lucide-react";
import { useEffect, useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link, useLocation } from "wouter";
import { rewatch, useJobWatch, type Watched } from "../../activity/job-watch.ts";
import { useRetry } from "../../activity/launch.ts";
import { Badge, CodeBlock, Facts, PageHead, Panel, Progress, Trouble } from "../../parts/parts.tsx";
import { tell } from "../../parts/toasts.tsx";
import { duration } from "../../parts/words.ts";
import { useRbee } from "@rbee/sdk/react";
import { JOB_TONES } from "./jobs-page.tsx";
import "../../styles/models.css";

/** One job: what it said, what came of it, and what one may do about it. */
export default function JobPage({ id }: { id: string }) {
  const client = useRbee();
  const watched = useJobWatch(id);
  const { data: job, error, refetch } = useQuery({ queryKey: ["job", id], queryFn: () => client.get(id) });
  const { phase } = watched;
  useEffect(() => {
    if (phase !== "running") void refetch();
  }, [phase, refetch]);
  return (
    <>
      <PageHead
        title={job?.operation ?? "Job"}
        note={job === undefined ? null : <Badge tone={JOB_TONES[job.state]}>{job.state}</Badge>}
      >
        <Actions id={id} watched={watched} />
      </PageHead>
      {error === null ? null : <Trouble error={error} />}
      {job === undefined ? null : (
        <div className="stack">
          {phase === "running" ? (
            <Progress label="Progress" done={watched.progress?.done ?? 0} total={watched.progress?.total} />
          ) : null}
          {phase === "failed" ? <Trouble error={watched.error} /> : null}
          <Panel title="About">
            <Facts
              rows={{
                Job: <code>{id}</code>,
                Hive: job.hive_id,
                Worker: job.worker_id,
                Submitted: new Date(job.submitted_at).toLocaleString("en-GB"),
                Took: job.finished_at === undefined ? undefined : duration(job.finished_at - job.submitted_at),
                Waits: watched.waiting,
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

function Said({ watched: { lines, text, result } }: { watched: Watched }) {
  return (
    <>
      {text === "" ? null : (
        <Panel title="Text">
          <p className="job-text">{text}</p>
        </Panel>
      )}
      {lines.length === 0 ? null : (
        <Panel title="Narration">
          <ol className="narration">
            {lines.map(({ position, human, level, actor }) => (
              <li key={position} className={level}>
                <span className="muted">{actor}</span> {human}
              </li>
            ))}
          </ol>
        </Panel>
      )}
      {result === undefined ? null : (
        <Panel title="Result">
          <CodeBlock label="Result">{JSON.stringify(result, null, 2).slice(0, SHOWN_CHARS_MAX)}</CodeBlock>
        </Panel>
      )}
    </>
  );
}

/** A page with more than this is no help to anyone. */
const SHOWN_CHARS_MAX = 60_000;

function Actions({ id, watched }: { id: string; watched: Watched }) {
  const client = useRbee();
  const [, go] = useLocation();
  const retry = useRetry();
  const [asked, setAsked] = useState(false);
  const cancel = async (): Promise<void> => {
    setAsked(true);
    await client.cancel(id).catch((error: unknown) => tell.bad("Not cancelled", error));
  };
  const again = async (): Promise<void> => {
    const next = await retry(id);
    if (next !== undefined) go(`/jobs/${next}`);
  };
  return (
    <>
      <Link href="/jobs" className="button">
        <ArrowLeft aria-hidden="true" />
        All jobs
      </Link>
      {watched.phase === "running" ? (
        <button type="button" className="button" disabled={asked} onClick={() => void cancel()}>
          <X aria-hidden="true" />
          {asked ? "Cancelling…" : "Cancel"}
        </button>
      ) : (
        <button
          type="button"
          className="button"
          title="Read its log again, as it came"
          onClick={() => rewatch(client, id)}
        >
          <RotateCcw aria-hidden="true" />
          Replay
        </button>
      )}
      {watched.phase === "failed" || watched.phase === "cancelled" ? (
        <button type="button" className="button primary" onClick={() => void again()}>
          <RotateCw aria-hidden="true" />
          Retry
        </button>
      ) : null}
    </>
  );
}
