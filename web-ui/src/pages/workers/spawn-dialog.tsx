import { useState } from "react";
import { Link } from "wouter";
import type { OperationRequest } from "@rbee/sdk";
import { useLaunch } from "../../activity/launch.ts";
import { DevicePicker } from "../../parts/device-picker.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { SelectField } from "../../parts/field.tsx";
import { useSizeFields } from "../../parts/size-fields.tsx";
import { useFleet } from "../../queen/fleet.ts";

type Engine = NonNullable<OperationRequest<"worker_spawn">["worker"]>;

const engines: readonly { value: Engine; label: string }[] = [
  { value: "auto", label: "Choose for me" },
  { value: "cpu", label: "CPU" },
  { value: "cuda", label: "CUDA" },
  { value: "vulkan", label: "Vulkan" },
  { value: "metal", label: "Metal" },
  { value: "llama-server", label: "llama-server" },
];

/** A worker as one wants it: hive, model, engine, device. */
export function SpawnDialog({ onClose }: { onClose: () => void }) {
  const launch = useLaunch();
  const { fleet } = useFleet();
  const hives = (fleet?.hives ?? []).filter(({ connected }) => connected);
  const [hive_id, setHive] = useState(hives[0]?.hive_id ?? "");
  const hive = hives.find((one) => one.hive_id === hive_id);
  const models = (hive?.models ?? []).filter(({ status }) => status === "ready");
  const [chosen, setModel] = useState<string>();
  const [worker, setEngine] = useState<Engine>("auto");
  const [device, setDevice] = useState("auto");
  const { sizes, fields } = useSizeFields();
  const model = models.some(({ id }) => id === chosen) ? chosen : models[0]?.id;
  return (
    <Dialog open onClose={onClose} title="Start a worker">
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
        <SelectField
          label="Hive"
          value={hive_id}
          onChange={(event) => setHive(event.target.value)}
          options={hives.map(({ hive_id }) => ({ value: hive_id, label: hive_id }))}
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
    </Dialog>
  );
}
