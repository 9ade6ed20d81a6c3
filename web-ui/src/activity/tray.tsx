import { X } from "lucide-react";
import { useStore } from "../store.ts";
import { plural } from "../parts/words.ts";
import { useFleet } from "../queen/fleet.ts";
import { activities, dismissActivity, mostWanted, type Activity } from "./activities.ts";
import { useEndings, Work } from "./work.tsx";

/** Streams that are open at once: a browser allows six connections, and the fleet and a chat need theirs. */
const SHOWN_MAX = 3;

/** What runs, whatever page is open. */
export function Tray() {
  const { fleet } = useFleet();
  const all = mostWanted(useStore(activities), fleet?.jobs ?? []);
  if (all.length === 0) return null;
  return (
    <aside className="tray" aria-label="Running work">
      <header>
        <h2>{plural(all.length, "task")}</h2>
        <button
          type="button"
          className="button small icon quiet"
          aria-label="Dismiss all; what runs goes on"
          onClick={() => all.forEach(({ job_id }) => dismissActivity(job_id))}
        >
          <X aria-hidden="true" />
        </button>
      </header>
      <ul>
        {all.slice(0, SHOWN_MAX).map((activity) => (
          <TrayItem key={activity.job_id} activity={activity} />
        ))}
        {all.length > SHOWN_MAX ? <li className="muted small">and {all.length - SHOWN_MAX} more, in Jobs</li> : null}
      </ul>
    </aside>
  );
}

function TrayItem({ activity }: { activity: Activity }) {
  useEndings(activity);
  return (
    <li>
      <Work activity={activity} />
    </li>
  );
}
