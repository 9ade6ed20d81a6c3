import { Plus } from "lucide-react";
import { useState } from "react";
import type { ActiveWorker } from "@rbee/sdk";
import { useAct } from "../../activity/launch.ts";
import { useBusy } from "../../parts/busy.ts";
import { Confirm } from "../../parts/dialog.tsx";
import { PageHead, Panel } from "../../parts/parts.tsx";
import { Tabs } from "../../parts/tabs.tsx";
import { useFleet } from "../../queen/fleet.ts";
import { NoFleet } from "../../queen/no-fleet.tsx";
import { Engines } from "./engines.tsx";
import { SpawnDialog } from "./spawn-dialog.tsx";
import { WorkersTable } from "./workers-table.tsx";
import "../../styles/models.css";

export default function WorkersPage() {
  const [spawning, setSpawning] = useState(false);
  const { fleet } = useFleet();
  return (
    <>
      <PageHead title="Workers">
        <button type="button" className="button primary" onClick={() => setSpawning(true)}>
          <Plus aria-hidden="true" />
          Start a worker
        </button>
      </PageHead>
      <Tabs
        label="Workers"
        tabs={[
          { id: "active", title: "Active", count: fleet?.workers.length ?? 0, content: <Active /> },
          { id: "engines", title: "Engines", content: <Engines /> },
        ]}
      />
      {spawning ? <SpawnDialog onClose={() => setSpawning(false)} /> : null}
    </>
  );
}

function Active() {
  const { fleet } = useFleet();
  const act = useAct();
const [asked, setAsked] = useState<string>();
  if (fleet === undefined) return <NoFleet />;
  const stopping = fleet.workers.find(({ worker_id }) => worker_id === asked);
  return (
    <Panel title="Processes" flush>
      <WorkersTable
        workers={fleet.workers}
        actions={(worker) => <Actions worker={worker} onStop={() => setAsked(worker.worker_id)} />}
      />
      {stopping === undefined ? null : (
        <Confirm
          open
          onClose={() => setAsked(undefined)}
          title={`Stop ${stopping.worker_id}?`}
          action="Stop"
          onConfirm={() =>
            void act(`${stopping.worker_id} stopped`, "worker_process_delete", {
              hive_id: stopping.hive_id,
              worker_id: stopping.worker_id,
            })
          }
        >
          <p>
            {stopping.slots_busy === 0
              ? "It is answering nothing now."
              : `What it is answering (${stopping.slots_busy}) gets a few seconds to finish. To let everything finish, retire it instead.`}
          </p>
        </Confirm>
      )}
    </Panel>
  );
}

function Actions({ worker, onStop }: { worker: ActiveWorker; onStop: () => void }) {
  const act = useAct();
  const { busy, during } = useBusy();
  const { worker_id, state, retired } = worker;
  return (
    <>
      <button
        type="button"
        className="button small"
        aria-label={`Retire ${worker_id}`}
        title="Give it nothing new, let it finish, then stop it"
        disabled={retired !== undefined || state !== "ready" || busy}
        onClick={() => during(act(`${worker_id} retires`, "active_worker_retire", { worker_id }))}
      >
        Retire
      </button>
      <button
        type="button"
        className="button small"
        aria-label={`Stop ${worker_id}`}
        disabled={state === "unreachable"}
        onClick={onStop}
      >
        Stop
      </button>
    </>
  );
}
