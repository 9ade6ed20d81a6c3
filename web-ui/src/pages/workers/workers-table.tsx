import { Cpu } from "lucide-react";
import type { ReactNode } from "react";
import type { ActiveWorker } from "@rbee/sdk";
import { Badge, Empty, Meter, type Tone } from "../../parts/parts.tsx";
import { perSecond } from "../../parts/words.ts";
import { Table, type Column } from "../../parts/table.tsx";

const TONES: Readonly<Record<ActiveWorker["state"], Tone>> = {
  ready: "good",
  starting: "accent",
  restarting: "warn",
  draining: "warn",
  dead: "bad",
  unreachable: "plain",
};

const columns: readonly Column<ActiveWorker>[] = [
  { title: "Worker", kind: "name", of: ({ worker_id }) => worker_id },
  { title: "Model", of: ({ model }) => model },
  { title: "Hive", of: ({ hive_id }) => hive_id },
  { title: "Device", of: ({ device }) => <code>{device}</code> },
  {
    title: "Slots",
    of: ({ slots, slots_busy }) => (
      <div className="slots">
        <span className="number">
          {slots_busy}/{slots}
        </span>
        <Meter label={`${slots_busy} of ${slots} slots busy`} value={slots_busy} max={slots} tone="accent" />
      </div>
    ),
  },
  {
    title: "Tokens/s",
    kind: "number",
    of: ({ tokens_per_s }) =>
      tokens_per_s === undefined ? null : <span title="Of its last answer">{perSecond(tokens_per_s)}</span>,
  },
  {
    title: "State",
    kind: "state",
    of: ({ state, retired }) => (
      <Badge tone={retired === undefined ? TONES[state] : "warn"}>{retired === undefined ? state : "retired"}</Badge>
    ),
  },
];

interface WorkersTableProps {
  readonly workers: readonly ActiveWorker[];
  /** What one may do with a worker. */
  readonly actions?: (worker: ActiveWorker) => ReactNode;
}

/** The worker processes of all hives. */
export function WorkersTable({ workers, actions }: WorkersTableProps) {
  if (workers.length === 0)
    return (
      <Empty icon={Cpu} title="No worker runs" to={{ href: "/models", words: "To the models" }}>
        A worker is a process with a model in memory. Load a model and one starts; a job for a model that is on a disk
        starts one by itself.
      </Empty>
    );
  return (
    <Table
      columns={actions === undefined ? columns : [...columns, { title: "Actions", kind: "actions", of: actions }]}
      rows={workers}
      keyOf={({ hive_id, worker_id }) => `${hive_id} ${worker_id}`}
      row={({ state, worker_id }) => ({
        className: state === "unreachable" ? "away" : "",
        "data-worker": worker_id,
      })}
    />
  );
}
