import { ModelId, namesModel, quantRank } from "@rbee/contracts";
import { createHash } from "node:crypto";
import type { FoundFile } from "./scan.ts";

/** The files of one model in one quantisation. */
export interface Model {
  readonly id: string;
  readonly base: string;
  readonly repo: string | undefined;
  readonly quant: string | undefined;
  readonly parts: number;
  /** In the order of their parts. */
  readonly files: readonly FoundFile[];
}

/**
 * Gives every model its id. In a plain folder it comes from the file name: `bee-tiny.f16.gguf` is `bee-tiny`; with several
 * quantisations the preferred one has the plain id and the others `name:quant`. A file of a repository is
 * `org/repo:quant`, whatever else is there. Where two models would share a name, the first found has it.
 */
export function nameModels(found: readonly FoundFile[]): Model[] {
  const taken = new Set<string>();
  return groups(found)
    .toSorted((one, other) => quantRank(one.quant) - quantRank(other.quant))
    .flatMap((model): Model[] => {
      const id = wishes(model).find((wish) => !taken.has(wish) && ModelId.safeParse(wish).success);
      if (id === undefined) return [];
      taken.add(id);
      return [{ ...model, id }];
    })
    .toSorted((one, other) => (one.id < other.id ? -1 : 1));
}

type Group = Omit<Model, "id">;

function groups(found: readonly FoundFile[]): Group[] {
  const models = new Map<string, { first: FoundFile; files: Map<number, FoundFile> }>();
  for (const file of found) {
    const key = [file.root.kind, file.repo, file.place, file.base, file.quant?.toUpperCase(), file.parts].join("\n");
    const model = models.get(key) ?? { first: file, files: new Map<number, FoundFile>() };
    models.set(key, model);
    if (!model.files.has(file.part)) model.files.set(file.part, file);
  }
  return [...models.values()].map(({ first: { base, repo, quant, parts }, files }) => ({
    base,
    repo,
    quant,
    parts,
    files: [...files.values()].toSorted((one, other) => one.part - other.part),
  }));
}

/** Ids it may have, the best first. */
function wishes({ base, repo, quant, files }: Group): string[] {
  const named = quant === undefined ? [] : [`${repo ?? base}:${quant}`];
  const [first] = files;
  const apart = createHash("sha256")
    .update(first?.link ?? base)
    .digest("hex")
    .slice(0, 6);
  if (repo === undefined) return first?.root.kind === "ollama" ? named : [base, ...named, `${base}.${apart}`];
  return [...(quant === undefined ? [repo] : named), `${repo}/${first?.name}`, `${repo}.${apart}`];
}

/** The model that an id means: exactly, or by its repository, its file or its name, with or without the quantisation. */
export function findModel(models: readonly Model[], id: string): Model | undefined {
  const exact = models.find((one) => one.id === id);
  if (exact !== undefined) return exact;
  return models
    .filter(
      (one) =>
        namesModel(id, one) ||
        (one.repo !== undefined && (namesModel(id, { ...one, base: one.repo }) || isFile(id, one.repo, one))),
    )
    .toSorted((one, other) => quantRank(one.quant) - quantRank(other.quant))[0];
}

const isFile = (id: string, repo: string, { files }: Model): boolean =>
  files.some(({ name, place }) => id === [repo, ...(place === "." ? [] : [place]), name].join("/"));
