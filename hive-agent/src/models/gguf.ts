import { RbeeError } from "@rbee/contracts";
import { open } from "node:fs/promises";

/** What a model file says about itself; sizes are in tokens, and in numbers per token and layer. */
export interface ModelHeader {
  readonly architecture: string | undefined;
  readonly parameters: number;
  readonly context: number | undefined;
  readonly layers: number | undefined;
  /** Numbers that one token's keys and values take in one layer. */
  readonly cache_width: number | undefined;
  readonly vocabulary: number | undefined;
  readonly chat_template: boolean;
  readonly licence: string | undefined;
}

const MAGIC = "GGUF";
const PREAMBLE_BYTES = 24;
const VERSIONS = [2, 3];
const TENSORS_MAX = 100_000n;
const KEYS_MAX = 10_000n;

/** Reads 24 bytes: enough to tell a model from anything else. Returns what is wrong, or undefined. */
export async function preambleProblem(path: string): Promise<string | undefined> {
  const bytes = Buffer.alloc(PREAMBLE_BYTES);
  const file = await open(path, "r");
  try {
    const { bytesRead } = await file.read(bytes, 0, PREAMBLE_BYTES, 0);
    if (bytesRead < PREAMBLE_BYTES) return `it has only ${bytesRead} bytes`;
  } finally {
    await file.close();
  }
  if (bytes.toString("latin1", 0, 4) !== MAGIC) return "it does not begin with GGUF";
  const version = bytes.readUInt32LE(4);
  if (!VERSIONS.includes(version)) return `its version is ${version}; ${VERSIONS.join(" and ")} can be read`;
  const tensors = bytes.readBigUInt64LE(8);
  const keys = bytes.readBigUInt64LE(16);
  if (tensors > TENSORS_MAX) return `it claims to hold ${tensors} tensors`;
  if (keys > KEYS_MAX) return `it claims to hold ${keys} metadata keys`;
  return undefined;
}

/** Reads the whole header; in a process of its own, since a hostile one may break it. @throws RbeeError model_invalid */
export async function readHeader(path: string, fileBytes: number): Promise<ModelHeader> {
  const { gguf } = await import("@huggingface/gguf");
  let parsed;
  try {
    parsed = await gguf(path, { allowLocalFile: true, computeParametersCount: true });
  } catch (error) {
    throw new RbeeError("model_invalid", `the header cannot be read: ${oneLine(error)}`);
  }
  const { metadata, tensorInfos, tensorDataOffset, parameterCount } = parsed;
  for (const tensor of tensorInfos) {
    const numbers = tensor.shape.reduce((product, side) => product * side, 1n);
    const end = tensorDataOffset + tensor.offset + BigInt(storedBytes(tensor.dtype, Number(numbers)));
    if (end > BigInt(fileBytes)) {
      const detail = `tensor ${JSON.stringify(tensor.name.slice(0, 64))} ends at byte ${end}, the file at ${fileBytes}: it is cut off`;
      throw new RbeeError("model_invalid", detail);
    }
  }
  return summarise(metadata as unknown as Readonly<Record<string, unknown>>, parameterCount);
}

/** Numbers per block and bytes per block of each tensor type of ggml. */
const blocks: Readonly<Record<number, readonly [number, number]>> = {
  0: [1, 4],
  1: [1, 2],
  2: [32, 18],
  3: [32, 20],
  6: [32, 22],
  7: [32, 24],
  8: [32, 34],
  9: [32, 40],
  10: [256, 84],
  11: [256, 110],
  12: [256, 144],
  13: [256, 176],
  14: [256, 210],
  15: [256, 292],
  16: [256, 66],
  17: [256, 74],
  18: [256, 98],
  19: [256, 50],
  20: [32, 18],
  21: [256, 110],
  22: [256, 82],
  23: [256, 136],
  24: [1, 1],
  25: [1, 2],
  26: [1, 4],
  27: [1, 8],
  28: [1, 8],
  29: [256, 56],
  30: [1, 2],
  34: [256, 54],
  35: [256, 66],
  39: [32, 17],
};

/** A type this table does not know counts as nothing: the engine has the last word. */
function storedBytes(type: number, numbers: number): number {
  const [perBlock, bytes] = blocks[type] ?? [1, 0];
  return Math.ceil(numbers / perBlock) * bytes;
}

function summarise(metadata: Readonly<Record<string, unknown>>, parameters: number): ModelHeader {
  const architecture = text(metadata["general.architecture"]);
  const of = (key: string) => count(metadata[`${architecture}.${key}`]);
  const width = of("embedding_length");
  const heads = of("attention.head_count");
  const cacheHeads = of("attention.head_count_kv") ?? heads;
  const perHead = width !== undefined && heads !== undefined && heads > 0 ? width / heads : undefined;
  const keyWidth = of("attention.key_length") ?? perHead;
  const valueWidth = of("attention.value_length") ?? perHead;
  const known = cacheHeads !== undefined && keyWidth !== undefined && valueWidth !== undefined;
  const tokens = metadata["tokenizer.ggml.tokens"];
  return {
    architecture,
    parameters,
    context: of("context_length"),
    layers: of("block_count"),
    cache_width: known ? cacheHeads * (keyWidth + valueWidth) : undefined,
    vocabulary: Array.isArray(tokens) ? tokens.length : undefined,
    chat_template: text(metadata["tokenizer.chat_template"]) !== undefined,
    licence: text(metadata["general.license"]),
  };
}

/** Per-layer lists give their largest: the estimate must not be too small. */
function count(value: unknown): number | undefined {
  if (Array.isArray(value)) return value.length === 0 ? undefined : Math.max(...value.map((one) => count(one) ?? 0));
  const number = typeof value === "bigint" ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

const text = (value: unknown): string | undefined =>
  typeof value === "string" && value.trim() !== "" ? value.slice(0, 256) : undefined;

const oneLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, " ").slice(0, 256);
