import { Panel } from "../parts/parts.tsx";
import { useJobWatch } from "./job-watch.ts";

const NOTES = { running: "live", succeeded: "done", failed: "failed", cancelled: "cancelled" } as const;

/** What a long job says, as it says it. */
export function WorkLog({ title, job_id }: { title: string; job_id: string }) {
  const { lines, phase } = useJobWatch(job_id);
  return (
    <Panel title={title} note={NOTES[phase]}>
      <ol className="narration log" aria-label="Log" tabIndex={0}>
        {lines.map(({ position, human, level }) => (
          <li key={position} className={level}>
            {human}
          </li>
        ))}
      </ol>
    </Panel>
  );
}
