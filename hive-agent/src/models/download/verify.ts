import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { Part } from "./part.ts";

/** What the hub says the bytes are: of large files their sha256, of small ones git's name of them. */
export interface Digest {
  readonly algorithm: "sha256" | "git-sha1";
  readonly hex: string;
}

const READ_BYTES = 262_144;

/**
 * Computes the digest of a file while it is being fetched, reading behind what is written: so it is the disk's bytes
 * that are judged, also those of an earlier run. @returns hex
 */
export async function digestOf(part: Part, algorithm: Digest["algorithm"], signal: AbortSignal): Promise<string> {
  const hash = begin(algorithm, part.size);
  const buffer = Buffer.alloc(READ_BYTES);
  const stopped = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  for (let at = 0; at < part.size;) {
    signal.throwIfAborted();
    const { advanced } = part;
    const there = part.frontier - at;
    if (there <= 0) {
      await Promise.race([advanced, stopped]);
      continue;
    }
    const read = await part.read(at, buffer.subarray(0, Math.min(there, READ_BYTES)));
    if (read === 0) throw new Error("the part is shorter than it was");
    hash.update(buffer.subarray(0, read));
    at += read;
  }
  return hash.digest("hex");
}

function begin(algorithm: Digest["algorithm"], size: number): Hash {
  return algorithm === "sha256" ? createHash("sha256") : createHash("sha1").update(`blob ${size}\0`);
}

/** @returns the file's sha256 in hex */
export async function hashFile(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path, { highWaterMark: READ_BYTES, signal })) hash.update(piece as Buffer);
  return hash.digest("hex");
}
