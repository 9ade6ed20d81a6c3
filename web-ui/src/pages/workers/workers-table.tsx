import { Cpu } from "lucide-react";
import type { ReactNode } from "react";
import type { ActiveWorker } from "@rbee/sdk";
import { Link } from "wouter";
import { Badge, Empty, Meter, type Tone } from "../../parts/parts.tsx";

const TONES: Readonly<Record<ActiveWorker["state"], Tone>> = {
  ready: "good",
  starting: "accent",
  restarting: "warn",
  draining: "warn",
  dead: "bad",
  unreachable: "plain",
};

interface WorkersTableProps {
  readonly workers: readonly ActiveWorker[];
  /** What one may do with a worker. */
  readonly actions?: (worker: ActiveWorker) => ReactNode;
}

/** The worker processes of all hives. */
export function WorkersTable({ workers, actions }: WorkersTableProps) {
  if (workers.length === 0) return <NoWorkers />;
  return (
    <div className="table-wrap">
      <table>
        <thead>
          <tr>
            <th scope="col">Worker</th>
            <th scope="col">Model</th>
            <th scope="col">Hive</th>
            <th scope="col">Device</th>
            <th scope="col">Slots</th>
            <th scope="col" className="right">
              Tokens/s
            </th>
            <th scope="col">State</th>
            {actions === undefined ? null : (
              <th scope="col">
                <span className="hidden-words">Actions</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {workers.map((worker) => (
            <WorkerRow key={`${worker.hive_id} ${worker.worker_id}`} worker={worker} actions={actions} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function WorkerRow({ worker, actions }: { worker: ActiveWorker; actions: WorkersTableProps["actions"] }) {
  const { worker_id, model, hive_id, device, slots, slots_busy, tokens_per_s, state, retired } = worker;
  return (
    <tr className={state === "unreachable" ? "away" : ""} data-worker={worker_id}>
      <td className="name">{worker_id}</td>
      <td data-label="Model">{model}</td>
      <td data-label="Hive">{hive_id}</td>
      <td data-label="Device">
        <code>{device}</code>
      </td>
      <td data-label="Slots">
        <div className="slots">
          <span className="number">
            {slots_busy}/{slots}
          </span>
          <Meter label={`${slots_busy} of ${slots} slots busy`} value={slots_busy} max={slots} tone="accent" />
        </div>
      </td>
      <td data-label="Tokens/s" className="right number">
        {tokens_per_s === undefined ? "–" : Math.round(tokens_per_s)}
      </td>
      <td data-label="State">
        <Badge tone={retired === undefined ? TONES[state] : "warn"}>{retired === undefined ? state : "retired"}</Badge>
      </td>
      {actions === undefined ? null : (
        <td>
          <div className="row end">{actions(worker)}</div>
        </td>
      )}
    </tr>
  );
}

const NoWorkers = () => (
  <Empty
    icon={Cpu}
    title="No worker runs"
    action={
      <Link href="/models" className="button">
        To the models
      </Link>
    }
  >
    A worker is a process with a model in memory. Load a model and one starts; a job for a model that is on a disk
    starts one by itself.
  </Empty>
);
