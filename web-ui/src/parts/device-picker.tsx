import type { HiveInfo } from "@rbee/sdk";
import { Meter } from "./parts.tsx";
import { bytes } from "./words.ts";

interface DevicePickerProps {
  readonly hive: HiveInfo | undefined;
  readonly value: string;
  readonly onChange: (device: string) => void;
  /** What the model needs there, where somebody knows. */
  readonly needs?: ReadonlyMap<string, number>;
}

/** "cuda:0, RTX 4090, 21 GiB free"; or whatever has the most room. */
export function DevicePicker({ hive, value, onChange, needs }: DevicePickerProps) {
  const choices = [
    { id: "auto", name: "Choose for me", memory: undefined },
    ...(hive?.devices ?? []).map(({ id, name, memory_total_bytes: total, memory_free_bytes: free }) => ({
      id,
      name,
      memory: { total, free },
    })),
  ];
  return (
    <fieldset className="field">
      <legend>Device</legend>
      <div className="choices">
        {choices.map(({ id, name, memory }) => (
          <label key={id} className="choice">
            <input type="radio" name="device" value={id} checked={id === value} onChange={() => onChange(id)} />
            <span className="choice-name">{memory === undefined ? name : `${id}, ${name}`}</span>
            <span className="muted small number">
              {memory === undefined ? "most room first" : `${bytes(memory.free)} free`}
            </span>
            {memory === undefined ? null : (
              <Meter
                label={`Memory of ${id}`}
                value={memory.total - memory.free}
                max={memory.total}
                tone={(needs?.get(id) ?? 0) > memory.free ? "bad" : "accent"}
              />
            )}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
