import { limits, RbeeError, type Device } from "@rbee/contracts";
import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { confined } from "../worker/confine.ts";
import { EXIT_PORT_TAKEN, type EngineOptions, type StartOptions } from "../worker/protocol.ts";
import { cleanEnvironment } from "./environment.ts";
import type { WorkerKind, WorkerKindName } from "./kinds.ts";
import type { WorkerPorts } from "./ports.ts";
import { signalGroup, startTime } from "./process.ts";
import { LoadDeadline, loadTime } from "./load-deadline.ts";
import type { SpawnRequest, WorkerRecord, WorkerRecords } from "./records.ts";
import { describeDeath, RunningWorker } from "./running.ts";

/** Everything decided: what runs where. */
export interface LaunchPlan {
  readonly hive_id: string;
  readonly kind: { readonly name: WorkerKindName } & WorkerKind;
  readonly model: { readonly id: string; readonly size_bytes: number };
  readonly engine: EngineOptions;
  readonly device: Pick<Device, "id" | "kind">;
  readonly slots: number;
  readonly context: number;
  readonly threads: number;
  readonly orphan_ms: number;
  /** What it will take of its device. */
  readonly memory_bytes: number;
  /** What was asked for: when the worker dies, it is asked for again. */
  readonly request: SpawnRequest;
}

export interface LaunchHooks {
  readonly ports: WorkerPorts;
  readonly records: WorkerRecords;
  /** The port to try first: a worker that comes back keeps its name. */
  readonly preferred?: number;
  /** Aborted when nobody waits for the worker any more. */
  readonly signal: AbortSignal;
  /** 0 to 1. */
  onProgress(progress: number): void;
  /** The process is there, and loads. */
  onStarted(worker: RunningWorker): void;
}

/** Starts a worker and waits until it is ready. @throws RbeeError saying why it is not; then nothing is left of it */
export async function launch(plan: LaunchPlan, hooks: LaunchHooks): Promise<RunningWorker> {
  hooks.signal.throwIfAborted();
  const taken = new Set<number>();
  for (;;) {
    const port = await hooks.ports.reserve(taken, hooks.preferred);
    const outcome = await launchOn(port, plan, hooks);
    if (outcome !== "port taken") return outcome;
    taken.add(port);
  }
}

async function launchOn(port: number, plan: LaunchPlan, hooks: LaunchHooks): Promise<RunningWorker | "port taken"> {
  const { worker, ended } = await start(port, plan, hooks).catch((error: unknown) => {
    hooks.ports.release(port);
    throw error;
  });
  const outcome = await readyOrNot(worker, ended, { plan, hooks });
  if (outcome === "ready") {
    worker.becameReady();
    return worker;
  }
  await worker.signal("SIGKILL");
  if (outcome === "port taken") return outcome;
  throw await failure(outcome, worker, { plan, hooks });
}

/** The process, its record on disk, and its end; from here on the worker's death gives the port back. */
async function start(port: number, plan: LaunchPlan, hooks: LaunchHooks) {
  const worker_id = `worker-${plan.hive_id}-${port}`;
  const token = randomBytes(32).toString("base64url");
  const log = await hooks.records.openLog(worker_id);
  const { program, args } = confined(process.execPath, [...rightsOf(plan.kind, hooks), ...plan.kind.args]);
  const child = spawn(program, args, {
    detached: true,
    stdio: ["pipe", "ignore", log.fd],
    env: { ...environmentFor(plan.device), NODE_COMPILE_CACHE: hooks.records.compileCache },
  });
  const ended = endOf(child);
  await log.close();
  sendOptions(child, { worker_id, token, port, plan });
  const pid = child.pid ?? 0;
  const { model, device, slots, context, engine, request, memory_bytes } = plan;
  const attached = engine.kind === "openai" ? { url: engine.url } : {};
  const record: WorkerRecord = {
    info: {
      worker_id,
      kind: plan.kind.name,
      model: model.id,
      device: device.id,
      slots,
      context,
      port,
      pid,
      memory_bytes,
      ...attached,
    },
    request,
    token,
    started: (await startTime(pid)) ?? "",
  };
  await hooks.records.write(record).catch((error: unknown) => {
    // Without its token nothing could be done with it.
    if (pid > 0) signalGroup(pid, "SIGKILL");
    throw error;
  });
  const worker = new RunningWorker(record, { records: hooks.records, adopted: false });
  hooks.onStarted(worker);
  void ended.then(async ({ reason }) => worker.ended(reason));
  return { worker, ended };
}

interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly reason: string;
}

function endOf(child: ChildProcess): Promise<End> {
  return new Promise((resolve) => {
    child.once("error", (error) =>
      resolve({ code: 1, signal: null, reason: `could not be started: ${error.message}` }),
    );
    child.once("exit", (code, signal) => {
      resolve({ code, signal, reason: signal === null ? `exited with code ${code}` : `was killed by ${signal}` });
    });
  });
}

type Outcome = "ready" | "port taken" | "timeout" | "unwanted" | End;

async function readyOrNot(
  worker: RunningWorker,
  ended: Promise<End>,
  { plan, hooks }: { plan: LaunchPlan; hooks: LaunchHooks },
): Promise<Outcome> {
  const over = new AbortController();
  const deadline = new LoadDeadline(loadTime(plan.model));
  const outcomes: Promise<Outcome>[] = [
    ended.then((end) => (end.code === EXIT_PORT_TAKEN ? "port taken" : end)),
    untilReady(worker, { ...hooks, onProgress: (progress) => hooks.onProgress(deadline.moved(progress)) }, over.signal),
    untilLate(deadline, over.signal),
    untilAborted(hooks.signal),
  ];
  const outcome = await Promise.race(outcomes);
  over.abort();
  return outcome;
}

async function untilReady(worker: RunningWorker, hooks: LaunchHooks, over: AbortSignal): Promise<"ready"> {
  while (!over.aborted) {
    const health = await worker.client.health();
    if (health?.status === "ready") return "ready";
    if (health?.progress !== undefined && !over.aborted) hooks.onProgress(health.progress);
    await delay(limits.health_poll_ms);
  }
  return "ready";
}

async function untilLate(deadline: LoadDeadline, over: AbortSignal): Promise<"timeout"> {
  for (let left = deadline.left(); left > 0 && !over.aborted; left = deadline.left())
    await delay(left, undefined, { signal: over }).catch(() => undefined);
  return "timeout";
}

function untilAborted(signal: AbortSignal): Promise<"unwanted"> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve("unwanted");
    else signal.addEventListener("abort", () => resolve("unwanted"), { once: true });
  });
}

async function failure(
  outcome: Exclude<Outcome, "ready" | "port taken">,
  worker: RunningWorker,
  { plan, hooks }: { plan: LaunchPlan; hooks: LaunchHooks },
): Promise<Error> {
  const { worker_id } = worker.record.info;
  const death = await worker.died;
  if (outcome === "unwanted") return hooks.signal.reason as Error;
  if (outcome === "timeout") {
    const seconds = Math.round(loadTime(plan.model) / 1_000);
    const reason = `did not load ${plan.model.id} within ${seconds} s, and got no further`;
    const detail = describeDeath(worker_id, { ...death, reason });
    return new RbeeError("model_load_failed", detail);
  }
  // Somebody else's signal says nothing about the model; an engine's own crash does.
  const killed = outcome.signal === "SIGKILL" || outcome.signal === "SIGTERM";
  return new RbeeError(killed ? "worker_died" : "model_load_failed", describeDeath(worker_id, death));
}

function sendOptions(
  child: ChildProcess,
  { worker_id, token, port, plan }: { worker_id: string; token: string; port: number; plan: LaunchPlan },
): void {
  const { model, engine, slots, context, threads, orphan_ms } = plan;
  const options: StartOptions = { model: model.id, engine, slots, context, threads, orphan_ms, worker_id, port, token };
  // It may be gone before it has read this; its exit says so.
  child.stdin?.on("error", () => {});
  child.stdin?.write(`${JSON.stringify(options)}\n`);
  // Neither the process nor the pipe keeps an agent alive that wants to end.
  (child.stdin as Socket | null)?.unref();
  child.unref();
}

/** Node's own permissions. It warns about some of them each time, which says nothing about a worker. */
function rightsOf({ rights }: WorkerKind, { records }: LaunchHooks): string[] {
  if (rights === undefined) return [];
  const own = [
    "--allow-fs-read=*",
    `--allow-fs-write=${records.compileCache}`,
    "--disable-warning=PERM0001",
    "--disable-warning=PERM0002",
  ];
  return ["--permission", ...own, ...rights.map((right) => `--allow-${right}`)];
}

function environmentFor(device: Pick<Device, "id" | "kind">): NodeJS.ProcessEnv {
  const kept = cleanEnvironment();
  const index = device.id.split(":")[1] ?? "0";
  if (device.kind === "cuda") return { ...kept, CUDA_VISIBLE_DEVICES: index };
  if (device.kind === "vulkan") return { ...kept, GGML_VK_VISIBLE_DEVICES: index };
  return kept;
}
