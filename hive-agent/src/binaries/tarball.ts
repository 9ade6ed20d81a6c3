import { limits, RbeeError, type HandlerEvent } from "@rbee/contracts";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rm, stat } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { extract } from "tar";
import type { Offered } from "./registry.ts";

const PROGRESS_MS = 500;

/**
 * Brings a tarball to `file`, behind what an earlier try left there, and checks it.
 * @returns its sha256 @throws RbeeError download_failed
 */
export async function* download(
  offered: Offered,
  file: string,
  signal: AbortSignal,
): AsyncGenerator<HandlerEvent, string, void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  for (let attempt = 1; ; attempt += 1) {
    try {
      yield* fetchRest(offered.url, file, signal);
      break;
    } catch (error) {
      signal.throwIfAborted();
      if (attempt >= limits.registry_tries_max || (error instanceof RbeeError && error.code !== "download_failed"))
        throw error;
    }
  }
  const { sha256, sha512 } = await hashesOf(file);
  if (sha512 === offered.sha512) return sha256;
  // Of no use to anyone: the next try must not go on behind it.
  await rm(file, { force: true });
  throw new RbeeError("download_failed", "what came is not what the registry promised: its sha512 differs");
}

async function* fetchRest(url: string, file: string, signal: AbortSignal): AsyncGenerator<HandlerEvent, void, void> {
  const have = (await stat(file).catch(() => undefined))?.size ?? 0;
  const stalled = new AbortController();
  const timer = setTimeout(() => stalled.abort(failed("it stopped sending")), limits.registry_stall_ms);
  try {
    const response = await fetch(url, {
      headers: have > 0 ? { range: `bytes=${have}-` } : {},
      signal: AbortSignal.any([signal, stalled.signal]),
    });
    const range = /^bytes (?<from>\d+)-\d+\/(?<total>\d+)$/.exec(response.headers.get("content-range") ?? "")?.groups;
    // All of it was there already.
    if (response.status === 416 && have > 0) {
      await response.body?.cancel();
      return;
    }
    const resumed = response.status === 206 && Number(range?.["from"]) === have;
    if (response.body === null || !(response.status === 200 || resumed)) throw failed(`it answered ${response.status}`);
    const length = Number(response.headers.get("content-length") ?? Number.NaN);
    const total = resumed ? Number(range?.["total"]) : length;
    yield* write(response.body, { file, from: resumed ? have : 0, total, alive: () => timer.refresh() });
  } catch (error) {
    if (error instanceof RbeeError || signal.aborted) throw error;
    throw failed(stalled.signal.aborted ? "it stopped sending" : "the connection broke", error);
  } finally {
    clearTimeout(timer);
  }
}

async function* write(
  body: AsyncIterable<Uint8Array>,
  { file, from, total, alive }: { file: string; from: number; total: number; alive: () => void },
): AsyncGenerator<HandlerEvent, void, void> {
  const handle = await open(file, from > 0 ? "a" : "w", 0o600);
  let done = from;
  let said = 0;
  const known = Number.isSafeInteger(total) && total > 0 ? { total } : {};
  try {
    for await (const chunk of body) {
      alive();
      await handle.write(chunk);
      done += chunk.length;
      if (done > limits.engine_bytes_max) throw new RbeeError("payload_too_large", "no engine is that large");
      if (performance.now() - said < PROGRESS_MS) continue;
      said = performance.now();
      yield { type: "progress", done, unit: "bytes", ...known };
    }
  } finally {
    await handle.close();
  }
  if (known.total !== undefined && done < known.total) throw failed("it sent too little");
  yield { type: "progress", done, total: done, unit: "bytes" };
}

const failed = (why: string, cause?: unknown): RbeeError =>
  new RbeeError("download_failed", `the download from the registry failed: ${why}`, { cause });

async function hashesOf(file: string): Promise<{ sha256: string; sha512: string }> {
  const [sha256, sha512] = [createHash("sha256"), createHash("sha512")];
  await pipeline(createReadStream(file), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      sha256.update(chunk);
      sha512.update(chunk);
    }
  });
  return { sha256: sha256.digest("hex"), sha512: sha512.digest("base64") };
}

/** Unpacks an npm tarball: plain files and folders only, within bounds. @throws RbeeError download_failed */
export async function unpack(file: string, folder: string): Promise<void> {
  let [bytes, files] = [0, 0];
  const filter = (_: string, entry: object): boolean => {
    const { type = "", size = 0 } = entry as { type?: string; size?: number };
    bytes += size;
    files += 1;
    return /^(?:Old|Contiguous)?(?:File|Directory)$/.test(type) && bytes <= limits.engine_bytes_max;
  };
  try {
    await extract({ file, cwd: folder, strip: 1, strict: true, preservePaths: false, filter });
  } catch (error) {
    throw failed("the package cannot be unpacked", error);
  }
  if (bytes > limits.engine_bytes_max || files > limits.engine_files_max) throw failed("the package is too large");
}
