import { createHash } from "node:crypto";
import { open } from "node:fs/promises";

const HEAD_BYTES = 1_048_576;
const SAMPLE_BYTES = 65_536;
const SAMPLES = 32;

/**
 * Tells whether two hives have the same model: equal for equal files, whatever they are called and however they came.
 * Of each file the size, the beginning (metadata, vocabulary) and evenly spread samples are read, at most 3 MiB: a whole
 * hash of a large model would take minutes. @returns `gguf:<32 hex digits>`
 */
export async function modelDigest(files: readonly { path: string; size: number }[]): Promise<string> {
  const hash = createHash("sha256");
  for (const { path, size } of files) {
    hash.update(`${size}\n`);
    const file = await open(path, "r");
    try {
      for (const { at, bytes } of samplesOf(size)) {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, at);
        hash.update(buffer.subarray(0, bytesRead));
      }
    } finally {
      await file.close();
    }
  }
  return `gguf:${hash.digest("hex").slice(0, 32)}`;
}

function* samplesOf(size: number): Generator<{ at: number; bytes: number }, void> {
  const head = Math.min(size, HEAD_BYTES);
  yield { at: 0, bytes: head };
  const rest = size - head;
  if (rest <= SAMPLES * SAMPLE_BYTES) return yield { at: head, bytes: rest };
  for (let i = 0; i < SAMPLES; i += 1) {
    yield { at: head + Math.floor((i * (rest - SAMPLE_BYTES)) / (SAMPLES - 1)), bytes: SAMPLE_BYTES };
  }
}
