import type { WorkerInfo } from "@rbee/contracts";
import { fileURLToPath } from "node:url";

export type WorkerKindName = WorkerInfo["kind"];

/** How a kind of worker is started. It reads StartOptions from stdin and speaks worker/protocol.ts. */
export interface WorkerKind {
  /** Arguments for this Node; the first is the program. */
  readonly args: readonly string[];
}

export type WorkerKinds = Readonly<Partial<Record<WorkerKindName, WorkerKind>>>;

const program: WorkerKind = { args: [fileURLToPath(new URL("../worker/main.ts", import.meta.url))] };

/** What an agent can start. The first entry is what is started unless another kind is asked for. */
export const workerKinds: WorkerKinds = { llama: program, "llama-server": program, openai: program };
