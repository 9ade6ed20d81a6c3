import { CircleCheck, Download, Hammer } from "lucide-react";
import { useState } from "react";
import type { OperationResult } from "@rbee/sdk";
import { useStore } from "../../store.ts";
import { activities } from "../../activity/activities.ts";
import { WorkLog } from "../../activity/work-log.tsx";
import { useAct } from "../../activity/launch.ts";
import { useBusy } from "../../parts/busy.ts";
import { Confirm } from "../../parts/dialog.tsx";
import { HiveField } from "../../parts/hive-field.tsx";
import { Badge, Empty, Panel, Trouble, Waiting } from "../../parts/parts.tsx";
import { bytes } from "../../parts/words.ts";
import { useOperation } from "@rbee/sdk/react";
import { useConnectedHives, useFleet } from "../../queen/fleet.ts";
import { NoFleet } from "../../queen/no-fleet.tsx";
import { offerWords, useInstall, type Offer } from "./offers.ts";

type Binary = OperationResult<"worker_binary_list">["workers"][number];

/** What computes: the engines that a hive has, and those it could have. */
export function Engines() {
  const { fleet } = useFleet();
  const hives = useConnectedHives();
  const [chosen, setHive] = useState<string>();
  const hive_id = hives.some((hive) => hive.hive_id === chosen) ? chosen : hives[0]?.hive_id;
  if (fleet === undefined) return <NoFleet />;
  if (hive_id === undefined)
    return (
      <Empty icon={Hammer} title="No hive is connected" to={{ href: "/add", words: "Add a hive" }}>
        Engines are installed on hives. Connect one, and what it has is shown here.
      </Empty>
    );
  return (
    <div className="stack">
      <div className="engine-hive">
        <HiveField hives={hives} value={hive_id} onChange={setHive} />
      </div>
      <Installed hive_id={hive_id} />
      <Catalogue hive_id={hive_id} />
      <BuildLog />
    </div>
  );
}

function Installed({ hive_id }: { hive_id: string }) {
  const { data, error } = useOperation("worker_binary_list", { hive_id });
  const act = useAct();
  const [removing, setRemoving] = useState<Binary>();
  return (
    <Panel title="Installed" flush>
      {error === null ? null : (
        <div className="body">
          <Trouble error={error} />
        </div>
      )}
      {data === undefined && error === null ? <Waiting lines={2} /> : null}
      {data?.workers.length === 0 ? (
        <Empty icon={Hammer} title="No engine is installed">
          Without one this hive runs no model. Install one from the list below.
        </Empty>
      ) : null}
      <ul className="found">
        {data?.workers.map((binary) => (
          <li key={binary.id}>
            <div className="grow">
              <p className="name">{binary.worker_type}</p>
              <p className="muted small found-line">
                <span>{binary.version}</span>
                <span>{bytes(binary.size_bytes)}</span>
                <span>{binary.in_use_by.length === 0 ? "not in use" : `used by ${binary.in_use_by.join(", ")}`}</span>
              </p>
            </div>
            {binary.bundled ? (
              <Badge>came with the agent</Badge>
            ) : (
              <button
                type="button"
                className="button small quiet"
                aria-label={`Remove ${binary.worker_type}`}
                disabled={binary.in_use_by.length > 0}
                onClick={() => setRemoving(binary)}
              >
                Remove
              </button>
            )}
          </li>
        ))}
      </ul>
      {removing === undefined ? null : (
        <Confirm
          open
          onClose={() => setRemoving(undefined)}
          title={`Remove ${removing.worker_type}?`}
          action="Remove"
          onConfirm={() =>
            void act(`${removing.worker_type} removed`, "worker_binary_delete", {
              hive_id,
              worker_type: removing.worker_type,
            })
          }
        >
          <p>{bytes(removing.size_bytes)} are freed. It can be installed again from the list below.</p>
        </Confirm>
      )}
    </Panel>
  );
}

function Catalogue({ hive_id }: { hive_id: string }) {
  const { data, error } = useOperation("worker_catalog_list", { hive_id });
  const offers = data?.workers.filter(({ installed }) => !installed);
  return (
    <Panel title="Can be installed" flush>
      {error === null ? null : (
        <div className="body">
          <Trouble error={error} />
        </div>
      )}
      {offers === undefined && error === null ? <Waiting lines={3} /> : null}
      {offers?.length === 0 ? (
        <Empty icon={CircleCheck} title="Every engine is there">
          This hive has all that can be installed on it.
        </Empty>
      ) : null}
      <ul className="found">
        {offers?.map((offer) => (
          <OfferLine key={offer.worker_type} hive_id={hive_id} offer={offer} />
        ))}
      </ul>
    </Panel>
  );
}

function OfferLine({ hive_id, offer }: { hive_id: string; offer: Offer }) {
  const install = useInstall();
  const { busy, during } = useBusy();
  const { worker_type, installable } = offer;
  const builds = offer.method === "build";
  return (
    <li>
      <div className="grow">
        <p className="name">{worker_type}</p>
        <p className="muted small found-line">
          {offerWords(offer).map((words) => (
            <span key={words}>{words}</span>
          ))}
        </p>
      </div>
      <button
        type="button"
        className="button small"
        disabled={!installable || busy}
        aria-label={`${builds ? "Build" : "Install"} ${worker_type}`}
        onClick={() => during(install(hive_id, offer))}
      >
        {builds ? <Hammer aria-hidden="true" /> : <Download aria-hidden="true" />}
        {builds ? "Build" : "Install"}
      </button>
    </li>
  );
}

/** What the newest installation or build says, as it says it. */
function BuildLog() {
  const newest = useStore(activities).find(
    ({ operation }) => operation === "worker_build" || operation === "worker_download",
  );
  return newest === undefined ? null : <WorkLog title={newest.title} job_id={newest.job_id} />;
}
