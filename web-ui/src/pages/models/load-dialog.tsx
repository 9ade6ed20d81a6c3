import { useState } from "react";
import { useLaunch } from "../../activity/launch.ts";
import { DevicePicker } from "../../parts/device-picker.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { useSizeFields } from "../../parts/size-fields.tsx";
import { useOperation } from "@rbee/sdk/react";
import type { OnHive } from "./downloaded.tsx";

/** Where a model goes, and for how many at once. */
export function LoadDialog({ hive, model, onClose }: OnHive & { onClose: () => void }) {
  const launch = useLaunch();
  const { hive_id } = hive;
  const { id } = model;
  const [device, setDevice] = useState("auto");
  const { data } = useOperation("model_get", { hive_id, id });
  const { sizes, fields } = useSizeFields(data?.model.context);
  const needs = new Map(data?.model.memory?.map(({ device, bytes }) => [device, bytes]));
  return (
    <Dialog open onClose={onClose} title={`Load ${id}`}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void launch(`Load ${id} on ${hive_id}`, "model_load", {
            hive_id,
            id,
            device,
            ...sizes,
          });
          onClose();
        }}
      >
        <DevicePicker hive={hive} value={device} onChange={setDevice} needs={needs} />
        {fields}
        <div className="buttons">
          <button type="button" className="button" onClick={onClose}>
            Not now
          </button>
          <button type="submit" className="button primary">
            Load
          </button>
        </div>
      </form>
    </Dialog>
  );
}
