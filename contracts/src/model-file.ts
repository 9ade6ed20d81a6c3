import { ModelId } from "./ids.ts";

/** `name-00001-of-00003.gguf`: one file of a model that was split. */
const SPLIT = /^(?<stem>.+)-(?<part>\d{5})-of-(?<parts>\d{5})$/;
/** A quantisation at the end of a file name, as everyone writes them. */
const QUANT =
  /^(?<stem>.+?)[.-](?<quant>(?:UD-)?(?:I?Q\d(?:_[A-Z0-9]+)*|TQ\d_\d|MXFP4(?:_MOE)?|BF16|F(?:P)?16|F(?:P)?32))$/i;

/** Which one to take when none is named: the usual compromise first, then what comes nearest. */
const PREFERRED = ["Q4_K_M", "Q5_K_M", "Q4_0", "Q5_0", "Q8_0", "F16"];

export interface FileName {
  /** What people call the model: the file name without quantisation, part number and extension. */
  readonly base: string;
  /** As in the file name. */
  readonly quant: string | undefined;
  readonly part: number;
  readonly parts: number;
}

/**
 * Reads a file name: `bee-tiny.f16.gguf` is `bee-tiny`, quantisation `f16`. Characters that an id cannot hold become
 * dashes. A name of which nothing is left belongs to no model.
 */
export function readFileName(fileName: string): FileName | undefined {
  if (!/\.gguf$/i.test(fileName)) return undefined;
  const name = fileName.slice(0, -".gguf".length);
  const split = SPLIT.exec(name)?.groups;
  const whole = split?.["stem"] ?? name;
  const tagged = QUANT.exec(whole)?.groups;
  const base = (tagged?.["stem"] ?? whole)
    .replaceAll(/[^A-Za-z0-9._-]+/g, "-")
    .replaceAll(/\.{2,}/g, ".")
    .replace(/^[^A-Za-z0-9]+/, "");
  if (!ModelId.safeParse(base).success) return undefined;
  return { base, quant: tagged?.["quant"], part: Number(split?.["part"] ?? 1), parts: Number(split?.["parts"] ?? 1) };
}

/** The model that an operation is about, by the name people type. Addresses stay out: there may be secrets in them. */
export function modelAbout({ model, id }: Readonly<Record<string, unknown>>): string | undefined {
  const said = model ?? id;
  if (typeof said !== "string") return undefined;
  return /^(https?|file):/.test(said) ? readFileName(fileNameIn(said))?.base : said;
}

const fileNameIn = (address: string): string => address.replace(/[?#].*$/, "").replace(/^.*\//, "");

/** Position in the order of preference; quantisations that are not in it come last, none at all comes first. */
export function quantRank(quant: string | undefined): number {
  if (quant === undefined) return -1;
  const at = PREFERRED.indexOf(quant.toUpperCase());
  return at < 0 ? PREFERRED.length : at;
}

/** Does an id that a person wrote mean this quantisation of this model? */
export function namesModel(id: string, model: { base: string; quant: string | undefined }): boolean {
  const [base, quant] = id.split(":");
  return base === model.base && (quant === undefined || sameQuant(quant, model.quant));
}

/** `q4_k_m` and `Q4_K_M` are the same. */
export const sameQuant = (one: string | undefined, other: string | undefined): boolean =>
  one?.toUpperCase() === other?.toUpperCase();
