import { useState } from "react";
import { useLaunch } from "../../activity/launch.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { SelectField } from "../../parts/field.tsx";
import { HiveField } from "../../parts/hive-field.tsx";
import { Facts } from "../../parts/parts.tsx";
import { bytes } from "../../parts/words.ts";
import { useConnectedHives } from "../../queen/fleet.ts";
import type { FoundModel } from "./discover.tsx";
import { usualQuant } from "./quants.ts";

/** Which file of a model, and to which hive. */
export function DownloadDialog({ model, onClose }: { model: FoundModel; onClose: () => void }) {
  const launch = useLaunch();
  const hives = useConnectedHives();
  const [quant, setQuant] = useState(() => usualQuant(model.quants));
  const [chosen, setHive] = useState<string>();
  const hive = chosen ?? hives.find(({ hive_id }) => model.fits.includes(hive_id))?.hive_id ?? hives[0]?.hive_id ?? "";
  const source = quant === "" ? model.id : `${model.id}:${quant}`;
  return (
    <Dialog open onClose={onClose} title={`Download ${model.id}`}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void launch(`Download ${source} to ${hive}`, "model_download", { hive_id: hive, model: source });
          onClose();
        }}
      >
        <Facts
          rows={{
            Source: model.url,
            Licence: model.licence ?? "unknown; see its page",
            Access: model.gated ? "gated: the hive needs HF_TOKEN" : "open",
          }}
        />
        <SelectField
          label="Quantisation"
          value={quant}
          onChange={(event) => setQuant(event.target.value)}
          options={model.quants.map((one) => ({
            value: one,
            label: `${one}${model.sizes[one] === undefined ? "" : `, ${bytes(model.sizes[one])}`}`,
          }))}
          hint="Smaller is faster and needs less memory; Q4_K_M is the usual compromise."
        />
        <HiveField hives={hives} value={hive} onChange={setHive} fits={model.fits} />
        <div className="buttons">
          <button type="button" className="button" onClick={onClose}>
            Not now
          </button>
          <button type="submit" className="button primary" disabled={hive === ""}>
            Download
          </button>
        </div>
      </form>
    </Dialog>
  );
}
