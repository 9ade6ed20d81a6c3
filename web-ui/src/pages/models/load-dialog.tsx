import { useState } from "react";
import { useLaunch } from "../../activity/launch.ts";
import { DevicePicker } from "../../parts/device-picker.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { TextField } from "../../parts/field.tsx";
import { useAnswer } from "../../queen/client.tsx";
import type { OnHive } from "./downloaded.tsx";

/** Where a model goes, and for how many at once. */
export function LoadDialog({ hive, model, onClose }: OnHive & { onClose: () => void }) {
  const launch = useLaunch();
  const { hive_id } = hive;
  const { id } = model;
  const [device, setDevice] = useState("auto");
  const [slots, setSlots] = useState("");
  const [context, setContext] = useState("");
  const { data } = useAnswer("model_get", { hive_id, id });
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
            ...numbers({ slots, context }),
          });
          onClose();
        }}
      >
        <DevicePicker hive={hive} value={device} onChange={setDevice} needs={needs} />
        <div className="two">
          <TextField
            label="Slots"
            type="number"
            min={1}
            max={64}
            placeholder="as the hive chooses"
            hint="Requests at once"
            value={slots}
            onChange={(event) => setSlots(event.target.value)}
          />
          <TextField
            label="Context"
            type="number"
            min={64}
            placeholder={data?.model.context === undefined ? "as the hive chooses" : `up to ${data.model.context}`}
            hint="Tokens per slot"
            value={context}
            onChange={(event) => setContext(event.target.value)}
          />
        </div>
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

/** Fields that were filled in. */
export const numbers = <K extends string>(fields: Record<K, string>): Partial<Record<K, number>> =>
  Object.fromEntries(
    Object.entries<string>(fields)
      .filter(([, text]) => text !== "")
      .map(([name, text]) => [name, Number(text)]),
  ) as Partial<Record<K, number>>;
