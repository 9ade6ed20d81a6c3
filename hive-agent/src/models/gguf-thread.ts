import { parentPort } from "node:worker_threads";
import { RbeeError } from "@rbee/contracts";
import { readHeader } from "./gguf.ts";
import type { HeaderAnswer, HeaderQuestion } from "./gguf-reader.ts";

/** A thread that reads headers: it may be ended at any time, which a parser in the agent's own thread may not. */
parentPort?.on("message", (asked: HeaderQuestion) => void answer(asked));

async function answer({ path, size }: HeaderQuestion): Promise<void> {
  parentPort?.postMessage(await read(path, size));
}

async function read(path: string, size: number): Promise<HeaderAnswer> {
  try {
    return { header: await readHeader(path, size) };
  } catch (error) {
    return { problem: error instanceof RbeeError ? error.message : "the header cannot be read" };
  }
}
