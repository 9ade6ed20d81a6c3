import { useEffect } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { RotateCw, X } from "lucide-react";
import type { JobProgress } from "@rbee/sdk/react";
import { isOpen } from "@rbee/sdk/react/parts";
import { Link } from "wouter";
import { useBusy } from "../parts/busy.ts";
import { Badge, Progress, Trouble } from "../parts/parts.tsx";
import { tell } from "../parts/toasts.tsx";
import { bytes, duration } from "../parts/words.ts";
import { dismissActivity, endActivity, type Activity } from "./activities.ts";
import { totalOf, useJobWatch, waitOf } from "./job-watch.ts";
import { useCancel, useRetry } from "./launch.ts";

interface WorkProps {
  readonly activity: Activity;
  /** Told of the job that takes its place when it is tried again. */
  readonly onRetry?: (job_id: string) => void;
}

/** One running thing: how far it is, and a way to stop it or to try again. */
export function Work({ activity, onRetry }: WorkProps) {
  const { job_id, title } = activity;
  const watched = useJobWatch(job_id);
  const retry = useRetry();
  const over = !isOpen(watched.status);
  return (
    <div className="work" data-status={watched.status}>
      <Link href={`/jobs/${job_id}`} className="work-title">
        {title}
      </Link>
      <Buttons
        activity={activity}
        watched={watched}
        retry={() => retry(job_id).then((next) => next && onRetry?.(next))}
      />
      {over ? null : <Progress label={title} done={watched.progress?.done ?? 0} total={totalOf(watched)} />}
      {watched.status === "failed" ? <Trouble error={watched.error} /> : <Say watched={watched} />}
    </div>
  );
}

function Say({ watched }: { watched: JobProgress }) {
  const { status, messages, progress } = watched;
  const open = isOpen(status);
  if (!open && status !== "cancelled") return null;
  const now = waitOf(watched) ?? messages.at(-1)?.human ?? "Starting";
  const words = open ? now : "Cancelled; what came is kept";
  return (
    <div className="say" aria-live={open ? "off" : "polite"}>
      <span title={words}>{words}</span>
      {open && progress !== undefined ? <span className="number">{figures(progress)}</span> : null}
    </div>
  );
}

function figures({ done, total, unit, per_second, eta_ms }: NonNullable<JobProgress["progress"]>): string {
  if (unit !== "bytes")
    return unit === "percent" ? `${Math.round(done)} %` : `${done}${total === undefined ? "" : ` of ${total}`}`;
  const parts = [total === undefined ? bytes(done) : `${bytes(done)} of ${bytes(total)}`];
  if (per_second !== undefined) parts.push(`${bytes(per_second)}/s`);
  if (eta_ms !== undefined) parts.push(`${duration(eta_ms)} left`);
  return parts.join(" · ");
}

interface ButtonsProps {
  readonly activity: Activity;
  readonly watched: JobProgress;
  readonly retry: () => Promise<unknown>;
}

function Buttons({ activity, watched, retry }: ButtonsProps) {
  const { job_id, title, operation, over } = activity;
  const { cancelling, cancel } = useCancel(job_id);
  const { busy, during } = useBusy();
  // Its log is read again on another page.
  if (isOpen(watched.status) && over === true) return <Badge>Replaying</Badge>;
  if (isOpen(watched.status))
    return (
      <button
        type="button"
        className="button small"
        aria-label={`Cancel: ${title}`}
        disabled={cancelling}
        onClick={() => void cancel()}
      >
        {cancelling ? "Cancelling…" : "Cancel"}
      </button>
    );
  const again = operation === "model_download" && watched.status === "cancelled" ? "Resume" : "Retry";
  return (
    <div className="row">
      {watched.status === "succeeded" ? (
        <Badge tone="good">Done</Badge>
      ) : (
        <button
          type="button"
          className="button small"
          aria-label={`${again}: ${title}`}
          disabled={busy}
          onClick={() => during(retry())}
        >
          <RotateCw aria-hidden="true" />
          {again}
        </button>
      )}
      <button
        type="button"
        className="button small icon quiet"
        aria-label={`Dismiss: ${title}`}
        onClick={() => dismissActivity(job_id)}
      >
        <X aria-hidden="true" />
      </button>
    </div>
  );
}

/** Says once how a job ended that was started here, and has what it changed asked anew. */
export function useEndings({ job_id, title, over }: Activity): void {
  const { status, error } = useJobWatch(job_id);
  const queries = useQueryClient();
  useEffect(() => {
    if (isOpen(status) || over === true) return;
    endActivity(job_id);
    void queries.invalidateQueries();
    if (status === "succeeded") tell.good(title, "Done");
    if (status === "failed") tell.bad(title, error);
  }, [status, error, job_id, title, over, queries]);
}
