import { Generation, tokenOf, type Piece, type RbeeError } from "@rbee/contracts";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Registry } from "../binaries/registry.ts";
import { Engines } from "../binaries/engines.ts";
import { probeDevices } from "../devices/devices.ts";
import { ModelCatalogue } from "../models/catalogue.ts";
import { Health, type GenerationEnd } from "../worker/protocol.ts";
import type { WorkerKinds } from "./kinds.ts";
import { startTime } from "./process.ts";
import { WorkerRecord } from "./records.ts";
import { WorkerSupervisor } from "./supervisor.ts";
import type { SupervisorOptions } from "./supervisor-options.ts";

export const beeTiny = fileURLToPath(new URL("../../../models/bee-tiny/bee-tiny.f16.gguf", import.meta.url));
export const never: AbortSignal = new AbortController().signal;

/** Workers that count instead of thinking: they are up in a moment. */
export const counting: WorkerKinds = {
  synthetic: { args: [fileURLToPath(new URL("testing-worker.ts", import.meta.url))] },
};

/** One hive's worth of workers in a folder of its own, with bee-tiny and whatever lies in `<home>/models`. */
export interface TestHive {
  readonly home: string;
  readonly catalogue: ModelCatalogue;
  readonly supervisor: WorkerSupervisor;
  readonly engines: Engines;
  /** Puts a model where the hive looks for them: bee-tiny again, or what is given. @returns its file */
  addModel(name: string, bytes?: Buffer): Promise<string>;
  /** Another agent over the same folder, as after a restart. */
  again(): WorkerSupervisor;
  end(): Promise<void>;
}

export async function testHive(
  options: Partial<SupervisorOptions> = {},
  engineOptions: { bundled?: boolean; registry?: Registry } = {},
): Promise<TestHive> {
  const home = await mkdtemp(path.join(os.tmpdir(), "rbee-hive-"));
  const catalogue = new ModelCatalogue({ dirs: [path.join(home, "models")], files: [beeTiny] });
  const supervisors: WorkerSupervisor[] = [];
  const { devices = probeDevices } = options;
  const engines = new Engines({ home, devices, workers: () => supervisors.at(-1)?.list() ?? [], ...engineOptions });
  const again = () => {
    const given = { hive_id: "den", home, catalogue, threads: 1, engines: engines.store, devices };
    const supervisor = new WorkerSupervisor({ ...given, ...options });
    supervisors.push(supervisor);
    return supervisor;
  };
  const supervisor = again();
  const addModel = async (name: string, bytes?: Buffer) => {
    const file = path.join(home, "models", `${name}.gguf`);
    await mkdir(path.dirname(file), { recursive: true });
    await (bytes === undefined ? copyFile(beeTiny, file) : writeFile(file, bytes));
    return file;
  };
  const end = async () => {
    for (const one of supervisors) {
      await one.stopAll();
      one.close();
    }
    await rm(home, { recursive: true, force: true });
  };
  return { home, catalogue, supervisor, engines, addModel, again, end };
}

export interface Answer extends GenerationEnd {
  readonly text: string;
  readonly frames: readonly string[];
  readonly pieces: readonly Piece[];
}

/** Plain HTTP to a worker, with its own token unless another is given. */
export async function rawWorker(home: string, workerId: string) {
  const file = path.join(home, "workers", `${workerId}.json`);
  const { token, info } = WorkerRecord.parse(JSON.parse(await readFile(file, "utf8")));
  const origin = `http://127.0.0.1:${info.port}`;
  const ask = async (method: string, route: string, options: { body?: unknown; token?: string } = {}) =>
    fetch(origin + route, {
      method,
      headers: { authorization: `Bearer ${options.token ?? token}` },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    });
  const health = async () => Health.parse(await (await ask("GET", "/health")).json());
  const knows = async (id: string) => {
    const response = await ask("GET", `/generations/${id}`);
    await response.body?.cancel();
    return response.ok;
  };
  return { ask, health, knows, port: info.port, token };
}

let generations = 0;
/** An id no other test uses. */
export const newId = (): string => {
  generations += 1;
  return `job_test${generations}.1`;
};

export const generationOf = (fields: Partial<Generation>): Generation =>
  Generation.parse({ temperature: 0, ...fields });

/** Goes on until the context is full: the grammar does not let it end before. */
export const endless: Partial<Generation> = {
  prompt: "List bees",
  max_tokens: 10_000,
  response_format: {
    type: "json_schema",
    schema: { type: "array", items: { type: "string", minLength: 900 }, minItems: 9 },
  },
};

/** A prompt of about so many tokens, which the model was not made for. */
export const longPrompt = (tokens: number): string => "bee ".repeat(tokens);

/** Reads a generation to its end. */
export async function collect(stream: AsyncGenerator<Piece, GenerationEnd, void>): Promise<Answer> {
  const pieces: Piece[] = [];
  for (;;) {
    const next = await stream.next();
    const frames = pieces.map((piece) => tokenOf(piece).text);
    if (next.done === true) return { ...next.value, pieces, frames, text: frames.join("") };
    pieces.push(next.value);
  }
}

/** No process has this pid any more. */
export const isGone = async (pid: number): Promise<boolean> => (await startTime(pid)) === undefined;

/** What a promise fails with. */
export async function failureOf(promise: Promise<unknown>): Promise<RbeeError> {
  try {
    await promise;
  } catch (error) {
    return error as RbeeError;
  }
  throw new Error("it should have failed");
}
