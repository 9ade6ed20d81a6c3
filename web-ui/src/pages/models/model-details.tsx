import { Dialog } from "../../parts/dialog.tsx";
import { Badge, Facts, Trouble, Waiting } from "../../parts/parts.tsx";
import { bytes, exact, short } from "../../parts/words.ts";
import { useOperation } from "@rbee/sdk/react";
import type { OnHive } from "./downloaded.tsx";

/** What is in a model's file, and what it would need where. */
export function ModelDetails({ hive, model, onClose }: OnHive & { onClose: () => void }) {
  const { data, error } = useOperation("model_get", { hive_id: hive.hive_id, id: model.id });
  return (
    <Dialog open onClose={onClose} title={model.id} wide>
      {error === null ? null : <Trouble error={error} />}
      {data === undefined && error === null ? <Waiting lines={7} /> : null}
      {data === undefined ? null : <Sheet model={data.model} stale={data.stale === true} />}
    </Dialog>
  );
}

type Details = NonNullable<ReturnType<typeof useOperation<"model_get">>["data"]>["model"];

const Sheet = ({ model, stale }: { model: Details; stale: boolean }) => (
  <div className="stack">
    {stale ? <p className="muted">The hive is away: this is what it said last.</p> : null}
    {model.problem === undefined ? null : <p>{model.problem}</p>}
    <Facts
      rows={{
        File: model.name,
        Size: bytes(model.size_bytes),
        Architecture: model.architecture,
        Quantisation: model.quantization,
        Parameters: model.parameters === undefined ? undefined : short(model.parameters),
        "Made for": model.context === undefined ? undefined : `${exact(model.context)} tokens of context`,
        "Chat template":
          model.chat_template === undefined ? undefined : model.chat_template ? "yes" : "no: it only continues text",
        Licence: model.licence,
        "SHA-256": model.sha256 === undefined ? undefined : <code>{model.sha256}</code>,
      }}
    />
    {model.memory === undefined || model.memory.length === 0 ? null : (
      <ul className="memory">
        {model.memory.map(({ device, context, bytes: needed, fits }) => (
          <li key={device}>
            <code>{device}</code>
            <span className="number">
              needs {bytes(needed)} with {exact(context)} tokens of context
            </span>
            <Badge tone={fits ? "good" : "bad"}>{fits ? "fits" : "too large"}</Badge>
          </li>
        ))}
      </ul>
    )}
  </div>
);
