import { RbeeError } from "@rbee/contracts";
import { readHeader } from "./gguf.ts";
import type { HeaderAnswer, HeaderQuestion } from "./gguf-reader.ts";

/** A process that reads headers: it may run out of memory or be killed at any time, which the agent may not. */
process.on("message", (asked: HeaderQuestion) => void answer(asked));

async function answer({ path, size }: HeaderQuestion): Promise<void> {
  process.send?.(await read(path, size));
}

async function read(path: string, size: number): Promise<HeaderAnswer> {
  try {
    return { header: await readHeader(path, size) };
  } catch (error) {
    return { problem: error instanceof RbeeError ? error.message : "the header cannot be read" };
  }
}
