import { useState } from "react";
import { Link } from "wouter";
import type { HiveInfo, OperationRequest } from "@rbee/sdk";
import { useLaunch } from "../../activity/launch.ts";
import { DevicePicker } from "../../parts/device-picker.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { SelectField } from "../../parts/field.tsx";
import { HiveField, NoHive } from "../../parts/hive-field.tsx";
import { useSizeFields } from "../../parts/size-fields.tsx";
import { useConnectedHives } from "../../queen/fleet.ts";

type Engine = NonNullable<OperationRequest<"worker_spawn">["worker"]>;

const engines: readonly { value: Engine; label: string }[] = [
  { value: "auto", label: "Choose for me" },
  { value: "cpu", label: "CPU" },
  { value: "cuda", label: "CUDA" },
  { value: "vulkan", label: "Vulkan" },
  { value: "metal", label: "Metal" },
  { value: "llama-server", label: "llama-server" },
];

export function SpawnDialog({ onClose }: { onClose: () => void }) {
  const hives = useConnectedHives();
  const [asked, setHive] = useState<string>();
  const hive = hives.find((one) => one.hive_id === asked) ?? hives[0];
  return (
    <Dialog open onClose={onClose} title="Start a worker">
      {hive === undefined ? <NoHive /> : <Wish hive={hive} hives={hives} onHive={setHive} onClose={onClose} />}
    </Dialog>
  );
}

interface WishProps {
  readonly hive: HiveInfo;
  readonly hives: readonly HiveInfo[];
  readonly onHive: (hive_id: string) => void;
  readonly onClose: () => void;
}

/** A worker as one wants it: hive, model, engine, device. */
function Wish({ hive, hives, onHive, onClose }: WishProps) {
  const launch = useLaunch();
  const { hive_id } = hive;
  const models = hive.models.filter(({ status }) => status === "ready");
  const [chosen, setModel] = useState<string>();
  const [worker, setEngine] = useState<Engine>("auto");
  const [device, setDevice] = useState("auto");
  const { sizes, fields } = useSizeFields();
  const model = models.some(({ id }) => id === chosen) ? chosen : models[0]?.id;
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (model === undefined) return;
        void launch(`Start a worker for ${model} on ${hive_id}`, "worker_spawn", {
          hive_id,
          model,
          worker,
          device,
          ...sizes,
        });
        onClose();
      }}
    >
      <HiveField
        hives={hives}
        value={hive_id}
        onChange={(next) => {
          onHive(next);
          // The other machine may not have it.
          setDevice("auto");
        }}
      />
      {models.length === 0 ? (
        <p className="muted">
          There is no model on its disk. <Link href="/models?tab=discover">Download one first.</Link>
        </p>
      ) : (
        <SelectField
          label="Model"
          value={model}
          onChange={(event) => setModel(event.target.value)}
          options={models.map(({ id }) => ({ value: id, label: id }))}
        />
      )}
      <SelectField
        label="Engine"
        value={worker}
        onChange={(event) => setEngine(event.target.value as Engine)}
        options={engines}
      />
      <DevicePicker hive={hive} value={device} onChange={setDevice} />
      {fields}
      <div className="buttons">
        <button type="button" className="button" onClick={onClose}>
          Not now
        </button>
        <button type="submit" className="button primary" disabled={model === undefined}>
          Start
        </button>
      </div>
    </form>
  );
}
