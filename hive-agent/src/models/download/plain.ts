import { constants, createReadStream, createWriteStream } from "node:fs";
import { copyFile, link, mkdir, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { RbeeError } from "@rbee/contracts";
import { Passing, refusePage, refuseStatus, retrying, type Patience } from "../fetch/retry.ts";
import type { Web } from "../fetch/web.ts";
import { preambleProblem } from "../gguf.ts";
import { replace } from "../hub-cache.ts";
import { onDisk } from "./part.ts";
import type { RemoteFile } from "./transfer.ts";

/** Asks a plain server how large a file is. @throws RbeeError */
export async function probe(
  url: URL,
  { web, patience, signal }: { web: Web; patience: Patience; signal: AbortSignal },
): Promise<RemoteFile> {
  return await retrying(
    async () => {
      const response = await web.fetch(url, { headers: { range: "bytes=0-0" }, signal });
      const { status, header } = response;
      response.body.destroy();
      if (status !== 200 && status !== 206) refuseStatus(response);
      refusePage(response);
      const size = Number(status === 206 ? header("content-range")?.split("/")[1] : header("content-length"));
      if (!Number.isSafeInteger(size) || size <= 0)
        throw new Passing(`${response.url.origin} does not say how large the file is`);
      return { url, size };
    },
    { signal, patience },
  );
}

/**
 * Puts a file of this machine where a model belongs: as another name for the same bytes, or as a copy where the disks
 * differ. Only GGUF files are taken, and why another is not taken is not told: it is none of the asker's business.
 * @throws RbeeError model_invalid, disk_full
 */
export async function importFile(
  file: string,
  target: string,
  { room, signal }: { room: (bytes: number) => Promise<void>; signal: AbortSignal },
): Promise<void> {
  const real = await realpath(file).catch(() => file);
  if ((await preambleProblem(real).catch(() => "unreadable")) !== undefined)
    throw new RbeeError("model_invalid", "there is no GGUF file at that place that this hive may read");
  await mkdir(path.dirname(target), { recursive: true });
  await replace(target, async (fresh) => {
    const linked = await link(real, fresh).then(
      () => true,
      () => false,
    );
    if (linked) return;
    await room((await stat(real)).size);
    // Where the disk can share blocks this is done at once; where not, it takes its time and may be stopped.
    const cloned = await copyFile(real, fresh, constants.COPYFILE_FICLONE_FORCE).then(
      () => true,
      () => false,
    );
    if (!cloned) await onDisk(async () => pipeline(createReadStream(real), createWriteStream(fresh), { signal }));
  });
}
