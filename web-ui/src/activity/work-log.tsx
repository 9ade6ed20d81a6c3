import { isOpen } from "@rbee/sdk/react/parts";
import { Panel } from "../parts/parts.tsx";
import { useJobWatch } from "./job-watch.ts";

/** What a long job says, as it says it. */
export function WorkLog({ title, job_id }: { title: string; job_id: string }) {
  const { messages, status } = useJobWatch(job_id);
  return (
    <Panel title={title} note={isOpen(status) ? "live" : status}>
      <ol className="narration log" aria-label="Log" tabIndex={0}>
        {messages.map(({ number, human, level }) => (
          <li key={number} className={level}>
            {human}
          </li>
        ))}
      </ol>
    </Panel>
  );
}
