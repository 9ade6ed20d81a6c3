import { limits, ModelId, quantRank, readFileName, type HiveInfo, type OperationResult } from "@rbee/contracts";
import { z } from "zod";

type Found = OperationResult<"model_search">["models"][number];

export interface Hub {
  readonly url: string;
  /** For a path of its API. @returns its JSON @throws RbeeError */
  readonly ask: (path: string, query: Readonly<Record<string, string>>) => Promise<unknown>;
}

interface Around {
  readonly hub: Hub;
  readonly hives: readonly HiveInfo[];
}

const Listed = z.array(
  z.object({
    id: ModelId,
    downloads: z.int().nonnegative().catch(0),
    gated: z.union([z.boolean(), z.string()]).catch(false),
    tags: z.array(z.string()).catch([]),
  }),
);
type Listed = z.infer<typeof Listed>[number];

const Tree = z.array(
  z.object({
    type: z.string(),
    path: z.string(),
    size: z.int().nonnegative(),
    lfs: z.object({ size: z.int().nonnegative() }).optional(),
  }),
);

/** Searches the hub for models that come as GGUF, and judges where each would fit. */
export async function searchModels(
  { query, limit }: { query: string; limit: number },
  around: Around,
): Promise<Found[]> {
  const answer = await around.hub.ask("api/models", {
    search: query,
    filter: "gguf",
    sort: "downloads",
    direction: "-1",
    limit: String(limit),
  });
  // An entry of a shape we do not know must not cost the others.
  const entries = Array.isArray(answer) ? answer.slice(0, limit) : [];
  const listed = entries.flatMap((entry) => Listed.element.safeParse(entry).data ?? []);
  const found = await Promise.all(listed.map(async (model) => described(model, around)));
  return found.filter((model) => model.quants.length > 0);
}

async function described(model: Listed, { hub, hives }: Around): Promise<Found> {
  // A repository whose files are not shown to us is found all the same, and has none.
  const tree =
    Tree.safeParse(await hub.ask(`api/models/${model.id}/tree/main`, { recursive: "true" }).catch(() => [])).data ?? [];
  const sizes = sizesOf(tree);
  const quants = Object.keys(sizes).toSorted(
    (one, other) => quantRank(one) - quantRank(other) || (sizes[one] ?? 0) - (sizes[other] ?? 0),
  );
  const licence = model.tags.find((tag) => tag.startsWith("license:"))?.slice("license:".length);
  const [taken] = quants;
  const bytes = taken === undefined ? undefined : sizes[taken];
  return {
    id: model.id,
    url: `${hub.url}/${model.id}`,
    quants,
    sizes,
    downloads: model.downloads,
    gated: model.gated !== false,
    ...(licence === undefined ? {} : { licence }),
    fits: bytes === undefined ? [] : hives.filter((hive) => fits(hive, bytes)).map(({ hive_id }) => hive_id),
  };
}

/** Bytes by quantisation, all parts together. Of two models with one quantisation the first counts. */
function sizesOf(tree: z.infer<typeof Tree>): Record<string, number> {
  const sizes: Record<string, number> = {};
  const bases = new Map<string, string>();
  for (const file of tree.slice(0, limits.hub_files_max)) {
    const name = readFileName(file.path.split("/").at(-1) ?? "");
    if (name === undefined || file.type !== "file" || /(^|[-_.])(mmproj|imatrix)([-_.]|$)/i.test(name.base)) continue;
    const quant = name.quant ?? "unknown";
    if ((bases.get(quant) ?? name.base) !== name.base) continue;
    bases.set(quant, name.base);
    sizes[quant] = (sizes[quant] ?? 0) + (file.lfs?.size ?? file.size);
  }
  return sizes;
}

/** Weights, and about this much more for the context and the engine's own work. */
const MORE_SHARE = 0.1;
const MORE_BYTES = 268_435_456;

/** By the whole memory of its largest device: what is free now changes. */
function fits({ devices }: HiveInfo, bytes: number): boolean {
  const need = bytes * (1 + MORE_SHARE) + MORE_BYTES;
  return devices.some(({ memory_total_bytes }) => need <= memory_total_bytes);
}
