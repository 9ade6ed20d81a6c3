import { Device, WorkerInfo } from "@rbee/contracts";
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";

/** What a worker was asked to be. */
export const SpawnRequest = z.object({
  model: z.string(),
  /** Which kind of worker; the hive's usual one unless given. */
  kind: WorkerInfo.shape.kind.optional(),
  /** The kind of device its engine must be built for. */
  worker: z.enum(["auto", ...Device.shape.kind.options]).optional(),
  device: z.string().optional(),
  slots: z.int().positive().optional(),
  context: z.int().positive().optional(),
  /** Of the server it attaches to. */
  url: z.string().optional(),
  /** Seconds that it stays when idle; for ever unless given, or below zero. */
  keep_alive: z.number().optional(),
  /** It is never stopped by itself. */
  pin: z.boolean().optional(),
  /** A request loaded it: requests decide how long it stays, until a person says something. */
  on_demand: z.boolean().optional(),
  /** The job that asks; asking again for the same job finds the worker it got. */
  origin: z.string().optional(),
});
export type SpawnRequest = Readonly<z.infer<typeof SpawnRequest>>;

/** What is written down about a worker, so that the next agent finds it again. */
export const WorkerRecord = z.object({
  info: WorkerInfo.omit({ state: true, keep_alive: true, held: true }),
  request: SpawnRequest,
  /** A request has used it. */
  served: z.boolean().optional(),
  token: z.string(),
  /** With the pid this names the process, also after the pid was given to another one. */
  started: z.string(),
});
export type WorkerRecord = z.infer<typeof WorkerRecord>;

const TAIL_BYTES = 16_384;

/** `<home>/workers`: a record and a log for each worker, readable by their owner only. */
export class WorkerRecords {
  readonly #dir: string;
  /** Where workers keep their compiled code: it halves the time until they are ready. */
  readonly compileCache: string;

  constructor(home: string) {
    this.#dir = path.join(home, "workers");
    this.compileCache = path.join(home, "cache", "node");
  }

  async write(record: WorkerRecord): Promise<void> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const file = this.#file(record.info.worker_id, "json");
    // Renamed into place: a half-written record would lose a worker.
    await writeFile(`${file}.new`, JSON.stringify(record), { mode: 0o600 });
    await rename(`${file}.new`, file);
  }

  /** What cannot be read is dropped: without its token nothing can be done with a worker. */
  async readAll(): Promise<WorkerRecord[]> {
    const names = await readdir(this.#dir).catch(() => []);
    const records = await Promise.all(
      names.filter((name) => name.endsWith(".json")).map(async (name) => this.#read(name)),
    );
    return records.filter((record) => record !== undefined);
  }

  async remove(workerId: string): Promise<void> {
    await rm(this.#file(workerId, "json"), { force: true });
  }

  /** An empty log for a worker that is about to start, to be its stderr. */
  async openLog(workerId: string) {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    return await open(this.#file(workerId, "log"), "w", 0o600);
  }

  async lastLines(workerId: string, lines: number): Promise<string[]> {
    const file = this.#file(workerId, "log");
    try {
      const { size } = await stat(file);
      const handle = await open(file, "r");
      try {
        const from = Math.max(0, size - TAIL_BYTES);
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - from), 0, size - from, from);
        return buffer.toString("utf8", 0, bytesRead).trimEnd().split("\n").slice(-lines);
      } finally {
        await handle.close();
      }
    } catch {
      return [];
    }
  }

  async #read(name: string): Promise<WorkerRecord | undefined> {
    const file = path.join(this.#dir, name);
    try {
      return WorkerRecord.parse(JSON.parse(await readFile(file, "utf8")));
    } catch {
      await rm(file, { force: true });
      return undefined;
    }
  }

  #file(workerId: string, extension: "json" | "log"): string {
    return path.join(this.#dir, `${workerId}.${extension}`);
  }
}
