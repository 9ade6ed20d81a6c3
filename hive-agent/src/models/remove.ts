import { RbeeError } from "@rbee/contracts";
import { rm, rmdir, stat } from "node:fs/promises";
import path from "node:path";
import type { ModelCatalogue } from "./catalogue.ts";
import { Part } from "./download/part.ts";
import { HubCache } from "./hub-cache.ts";
import { findModel } from "./naming.ts";
import type { FoundFile } from "./scan.ts";

/**
 * Removes a model's files and what a download left of it. @returns bytes that the disk got back: a file that another
 * program has too gives none. @throws RbeeError model_not_found, unsupported for models of other programs [MODEL-8]
 */
export async function removeModel(catalogue: ModelCatalogue, id: string): Promise<number> {
  const models = await catalogue.models();
  const model = findModel(models, id);
  const rows = catalogue.rows.downloads().filter((row) => row.id === (model?.id ?? id));
  if (model === undefined && rows.length === 0) await catalogue.find(id);
  const owner = model?.files[0]?.root.owner;
  if (owner !== undefined)
    throw new RbeeError("unsupported", `${model?.id} belongs to ${owner}; it has to be removed there`);
  let freed = 0;
  for (const file of model?.files ?? []) freed += await removeFile(file);
  for (const { part } of rows.flatMap(({ files }) => files)) {
    freed += (await Part.doneOf(part)) ?? 0;
    await Part.remove(part);
    await rmdir(path.dirname(part)).catch(() => undefined);
  }
  for (const row of rows) catalogue.rows.end(row.id);
  return freed;
}

async function removeFile(file: FoundFile): Promise<number> {
  const stats = await stat(file.path);
  if (file.root.kind === "hub" && path.basename(path.dirname(file.path)) === "blobs") {
    await new HubCache(file.root.dir).unlinkAll(file.path);
  } else {
    await rm(file.link, { force: true });
    await rm(file.path, { force: true });
    // The folder that a download made for it alone; one with anything in it stays.
    if (path.dirname(file.link) !== path.resolve(file.root.dir))
      await rmdir(path.dirname(file.link)).catch(() => undefined);
  }
  return stats.nlink > 1 ? 0 : stats.size;
}
