import { isOpen } from "@rbee/sdk/react/parts";
import { useEndInSight } from "../parts/end-in-sight.ts";
import { Panel } from "../parts/parts.tsx";
import { useJobWatch } from "./job-watch.ts";

/** What a long job says, as it says it. */
export function WorkLog({ title, job_id }: { title: string; job_id: string }) {
  const { messages, status } = useJobWatch(job_id);
  const box = useEndInSight<HTMLOListElement>(messages.at(-1)?.number);
  return (
    <Panel title={title} note={isOpen(status) ? "live" : status}>
      <ol className="narration log" aria-label="Log" tabIndex={0} {...box}>
        {messages.map(({ number, human, level }) => (
          <li key={number} className={level}>
            {human}
          </li>
        ))}
      </ol>
    </Panel>
  );
}
