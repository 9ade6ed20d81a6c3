import { Boxes } from "lucide-react";
import { useState } from "react";
import type { HiveInfo, ModelInfo } from "@rbee/sdk";
import { useAct, useLaunch } from "../../activity/launch.ts";
import { useBusy } from "../../parts/busy.ts";
import { Confirm } from "../../parts/dialog.tsx";
import { Badge, Empty, Panel } from "../../parts/parts.tsx";
import { Table, type Column } from "../../parts/table.tsx";
import { bytes } from "../../parts/words.ts";
import { useFleet } from "../../queen/fleet.ts";
import { NoFleet } from "../../queen/no-fleet.tsx";
import { LoadDialog } from "./load-dialog.tsx";
import { ModelDetails } from "./model-details.tsx";

export interface OnHive {
  readonly hive: HiveInfo;
  readonly model: ModelInfo;
}

const dialogs = { load: LoadDialog, details: ModelDetails, delete: DeleteDialog };

interface Asked {
  readonly hive_id: string;
  readonly id: string;
  readonly dialog: keyof typeof dialogs;
}

/** What is on the disks of all hives. */
export function Downloaded() {
  const { fleet } = useFleet();
  const [asked, setAsked] = useState<Asked>();
  if (fleet === undefined) return <NoFleet />;
  const all = fleet.hives.flatMap((hive) => hive.models.map((model) => ({ hive, model })));
  // As it is now: another one may load or delete it meanwhile.
  const one = all.find(({ hive, model }) => hive.hive_id === asked?.hive_id && model.id === asked.id);
  const AskedDialog = asked && dialogs[asked.dialog];
  const close = (): void => setAsked(undefined);
  return (
    <Panel title="On the hives' disks" flush>
      {all.length === 0 ? <NoModels /> : <ModelTable all={all} onAsk={setAsked} />}
      {one === undefined || AskedDialog === undefined ? null : <AskedDialog {...one} onClose={close} />}
    </Panel>
  );
}

function ModelTable({ all, onAsk }: { all: readonly OnHive[]; onAsk: (asked: Asked) => void }) {
  const columns: readonly Column<OnHive>[] = [
    { title: "Model", kind: "name", of: ({ model }) => model.id },
    { title: "Hive", of: ({ hive }) => hive.hive_id },
    { title: "Size", kind: "number", of: ({ model }) => bytes(model.size_bytes) },
    { title: "State", kind: "state", of: (one) => <StateBadge one={one} /> },
    { title: "Actions", kind: "actions", of: (one) => <Actions one={one} onAsk={onAsk} /> },
  ];
  return (
    <Table
      columns={columns}
      rows={all}
      keyOf={({ hive, model }) => `${hive.hive_id} ${model.id}`}
      row={({ hive, model }) => ({ className: hive.connected ? "" : "away", "data-model": model.id })}
    />
  );
}

function Actions({ one, onAsk }: { one: OnHive; onAsk: (asked: Asked) => void }) {
  const { hive, model } = one;
  const { hive_id, connected } = hive;
  const { id } = model;
  return (
    <>
      {connected ? <MainAction one={one} onLoad={() => onAsk({ hive_id, id, dialog: "load" })} /> : null}
      <button
        type="button"
        className="button small quiet"
        aria-label={`Details of ${id} on ${hive_id}`}
        onClick={() => onAsk({ hive_id, id, dialog: "details" })}
      >
        Details
      </button>
      {connected ? (
        <button
          type="button"
          className="button small quiet"
          aria-label={`Delete ${id} from ${hive_id}`}
          onClick={() => onAsk({ hive_id, id, dialog: "delete" })}
        >
          Delete
        </button>
      ) : null}
    </>
  );
}

function StateBadge({ one: { hive, model } }: { one: OnHive }) {
  if (!hive.connected) return <Badge>hive away</Badge>;
  if (model.loaded) return <Badge tone="good">loaded</Badge>;
  if (model.status === "partial") return <Badge tone="warn">{Math.round(model.percent ?? 0)} % fetched</Badge>;
  return model.status === "invalid" ? <Badge tone="bad">invalid</Badge> : <Badge>on disk</Badge>;
}

/** The one thing that one wants most of a model in this state. */
function MainAction({ one: { hive, model }, onLoad }: { one: OnHive; onLoad: () => void }) {
  const launch = useLaunch();
  const act = useAct();
  const { busy, during } = useBusy();
  const { hive_id } = hive;
  const { id, status, loaded } = model;
  if (status === "partial")
    return (
      <button
        type="button"
        className="button small"
        aria-label={`Resume ${id}`}
        disabled={busy}
        onClick={() => during(launch(`Download ${id} to ${hive_id}`, "model_download", { hive_id, model: id }))}
      >
        Resume
      </button>
    );
  if (status === "invalid") return null;
  if (loaded)
    return (
      <button
        type="button"
        className="button small"
        aria-label={`Unload ${id} from ${hive_id}`}
        disabled={busy}
        onClick={() => during(act(`${id} unloaded`, "model_unload", { hive_id, id }))}
      >
        Unload
      </button>
    );
  return (
    <button type="button" className="button small" aria-label={`Load ${id} on ${hive_id}`} onClick={onLoad}>
      Load
    </button>
  );
}

function DeleteDialog({ hive, model, onClose }: OnHive & { onClose: () => void }) {
  const act = useAct();
  const { hive_id } = hive;
  const { id, loaded, size_bytes } = model;
  return (
    <Confirm
      open
      onClose={onClose}
      title={`Delete ${id}?`}
      action="Delete"
      onConfirm={() => void act(`${id} deleted from ${hive_id}`, "model_delete", { hive_id, id, force: loaded })}
    >
      <p>
        {bytes(size_bytes)} on <strong>{hive_id}</strong> are removed for good.
        {loaded ? " It is loaded: its workers are stopped first." : " To have it again, it must be downloaded again."}
      </p>
    </Confirm>
  );
}

const NoModels = () => (
  <Empty
    icon={Boxes}
    title="No model on any disk"
    to={{ href: "/models?tab=discover", words: "Discover models", primary: true }}
  >
    Search the hub, and download one to a hive where it fits.
  </Empty>
);
