import { Download } from "lucide-react";
import { useState } from "react";
import { Link, useSearchParams } from "wouter";
import { useOperation } from "@rbee/sdk/react";
import { activities } from "../../activity/activities.ts";
import { Work } from "../../activity/work.tsx";
import { WorkLog } from "../../activity/work-log.tsx";
import { useBusy } from "../../parts/busy.ts";
import { HiveField, NoHive } from "../../parts/hive-field.tsx";
import { Facts, PageHead, Panel, Trouble } from "../../parts/parts.tsx";
import { useConnectedHives } from "../../queen/fleet.ts";
import { useStore } from "../../store.ts";
import { offerWords, useInstall, type Offer } from "./offers.ts";
import "../../styles/models.css";

/** What a link to an engine opens. Nothing happens before somebody says so here. */
export default function InstallPage() {
  const [search] = useSearchParams();
  const type = search.get("type") ?? "";
  const hives = useConnectedHives();
  const [asked, setHive] = useState(search.get("hive") ?? undefined);
  const hive_id = (hives.find((hive) => hive.hive_id === asked) ?? hives[0])?.hive_id;
  const [job, setJob] = useState<string>();
  return (
    <div className="narrow">
      <PageHead title={`Install ${type}?`} />
      {job === undefined ? (
        <Panel title="What would happen">
          <div className="stack">
            <p className="muted">
              The engine is fetched to a machine of yours, or built there. Nothing has started yet.
            </p>
            {hive_id === undefined ? (
              <NoHive />
            ) : (
              <>
                <HiveField hives={hives} value={hive_id} onChange={setHive} />
                <Ask {...{ hive_id, type }} onStart={setJob} />
              </>
            )}
          </div>
        </Panel>
      ) : (
        <Running job_id={job} onRetry={setJob} />
      )}
    </div>
  );
}

interface AskProps {
  readonly hive_id: string;
  readonly type: string;
  readonly onStart: (job_id: string | undefined) => void;
}

function Ask({ hive_id, type, onStart }: AskProps) {
  const { data, error } = useOperation("worker_catalog_list", { hive_id });
  const install = useInstall();
  const { busy, during } = useBusy();
  const offer = data?.workers.find(({ worker_type }) => worker_type === type);
  const canBe = offer !== undefined && offer.installable && !offer.installed;
  return (
    <>
      {error === null ? null : <Trouble error={error} />}
      <Facts rows={{ Engine: type, Offer: words(offer, data !== undefined) }} />
      <div className="buttons">
        <Link href="/workers?tab=engines" className="button">
          Not now
        </Link>
        <button
          type="button"
          className="button primary"
          disabled={!canBe || busy}
          onClick={() => canBe && during(install(hive_id, offer).then(onStart))}
        >
          <Download aria-hidden="true" />
          {offer?.method === "build" ? "Build" : "Install"}
        </button>
      </div>
    </>
  );
}

function words(offer: Offer | undefined, known: boolean): string {
  if (offer === undefined) return known ? "there is no such engine" : "…";
  return offer.installed ? "it is there already" : offerWords(offer).join(", ");
}

function Running({ job_id, onRetry }: { job_id: string; onRetry: (job_id: string) => void }) {
  const activity = useStore(activities).find((one) => one.job_id === job_id);
  return (
    <div className="stack">
      {activity === undefined ? null : (
        <Panel title={activity.title}>
          <Work activity={activity} onRetry={onRetry} />
        </Panel>
      )}
      <WorkLog title="Log" job_id={job_id} />
    </div>
  );
}
