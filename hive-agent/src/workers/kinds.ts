import type { WorkerInfo } from "@rbee/contracts";
import { fileURLToPath } from "node:url";

export type WorkerKindName = WorkerInfo["kind"];

/** How a kind of worker is started. It reads StartOptions from stdin and speaks worker/protocol.ts. */
export interface WorkerKind {
  /** Arguments for this Node; the first is the program. */
  readonly args: readonly string[];
  /**
   * What it may do besides reading files and using the network; Node forbids the rest to its code, though not to an
   * engine's native code. Absent: everything.
   */
  readonly rights?: readonly ("addons" | "child-process")[];
}

export type WorkerKinds = Readonly<Partial<Record<WorkerKindName, WorkerKind>>>;

const args = [fileURLToPath(new URL("../worker/main.ts", import.meta.url))];

/** What an agent can start. The first entry is what is started unless another kind is asked for. */
export const workerKinds: WorkerKinds = {
  // An engine package is tried in a process of its own before it is loaded.
  llama: { args, rights: ["addons", "child-process"] },
  "llama-server": { args, rights: ["child-process"] },
  openai: { args, rights: [] },
};
