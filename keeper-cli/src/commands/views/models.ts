import type { ModelInfo, OperationResult } from "@rbee/sdk";
import { paintOut } from "../../terminal/output.ts";
import { bytes, plural } from "../../terminal/words.ts";
import { coloured, columns, sheet } from "./parts.ts";

type Found = OperationResult<"model_search">["models"][number];

const count = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** Quantisations of one line: more would push everything else out of sight. */
const QUANTS_SHOWN = 4;

function quantsOf({ quants, sizes }: Found): string {
  const shown = quants.slice(0, QUANTS_SHOWN).map((quant) => {
    const size = sizes[quant];
    return size === undefined ? quant : `${quant} ${bytes(size)}`;
  });
  const more = quants.length - shown.length;
  return [...shown, ...(more > 0 ? [`${more} more`] : [])].join(", ");
}

export function renderFound({ models }: OperationResult<"model_search">): string {
  if (models.length === 0) return "Nothing found that comes as GGUF.";
  const rows = models.map((model) => [
    model.id,
    quantsOf(model),
    count.format(model.downloads),
    `${model.licence ?? ""}${model.gated ? " (asks for consent)" : ""}`,
    model.fits.join(", "),
  ]);
  const next = paintOut("dim", `\nFetch one: rbee models pull ${models[0]?.id ?? "<model>"}`);
  return columns(["model", "quantisations", "downloads", "licence", "fits"], rows) + next;
}

export const renderPulled = (model: OperationResult<"model_download">): string =>
  `${model.model_id} is ${model.already_there ? "there already" : "ready"}: ${bytes(model.size_bytes)}${fileOf(model.path)}`;

/** Caches name files by their digests, which tell a person nothing. */
const fileOf = (path: string): string => (/\.gguf$/i.test(path) ? `, ${path}` : "");

export const renderRemoved = ({ message, freed_bytes }: OperationResult<"model_delete">): string =>
  `${message} (${freed_bytes === 0 ? "nothing freed: another program has the file, too" : `${bytes(freed_bytes)} freed`})`;

const stateOf = ({ status, percent }: ModelInfo): string =>
  percent === undefined ? coloured(status) : `${coloured(status)}, ${Math.floor(percent)} %`;

export function renderModels({ models, stale }: OperationResult<"model_list">): string {
  const note = stale === true ? paintOut("yellow", "\nThe hive is away: this is what it last said.") : "";
  if (models.length === 0) return `No models on this hive yet: \`rbee models search\` finds some.${note}`;
  const rows = models.map((m: ModelInfo) => [m.id, bytes(m.size_bytes), stateOf(m), m.loaded ? "loaded" : ""]);
  return columns(["model", "size", "state", ""], rows) + note;
}

export const renderModel = ({ model, stale }: OperationResult<"model_get">): string =>
  sheet({
    model: model.id,
    name: model.name,
    state: `${stateOf(model)}${model.loaded ? ", loaded" : ""}${stale === true ? " (last known)" : ""}`,
    problem: model.problem,
    architecture: model.architecture,
    quantisation: model.quantization,
    parameters: model.parameters?.toLocaleString("en"),
    context: model.context === undefined ? undefined : plural(model.context, "token"),
    "chat template": model.chat_template === undefined ? undefined : model.chat_template ? "yes" : "no",
    licence: model.licence,
    size: bytes(model.size_bytes),
    memory: model.memory?.map(
      ({ device, context, bytes: need, fits }) =>
        `${device}: ${bytes(need)} with ${plural(context, "token")} of context, ${fits ? paintOut("green", "fits") : paintOut("red", "does not fit")}`,
    ),
    sha256: model.sha256,
    files: model.files?.map(
      ({ path, size_bytes }) => `${/\.gguf$/i.test(path) ? path : model.name} (${bytes(size_bytes)})`,
    ),
  });

type Loaded = OperationResult<"model_load"> | OperationResult<"model_run">;

/** Where a model is ready now, and what to do with it. */
export function renderLoaded(loaded: Loaded): string {
  const where = "device" in loaded ? ` on ${loaded.device} of ${loaded.hive_id}` : "";
  return `${loaded.worker_id} is ${coloured(loaded.status)}${where}: pid ${loaded.pid}, port ${loaded.port}`;
}
