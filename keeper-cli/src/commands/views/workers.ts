import type { ActiveWorker, OperationResult } from "@rbee/sdk";
import { paintOut } from "../../terminal/output.ts";
import { ago, bytes } from "../../terminal/words.ts";
import { coloured, columns, sheet } from "./parts.ts";

const speedOf = ({ tokens_per_s }: ActiveWorker): string =>
  tokens_per_s === undefined ? "" : `${Math.round(tokens_per_s)} tokens/s`;

const stateOf = ({ state, retired }: ActiveWorker): string =>
  retired === undefined ? coloured(state) : `${coloured(state)} (${retired === "keep" ? "retired, stays" : "retired"})`;

export function renderWorkers({ workers }: { workers: readonly ActiveWorker[] }): string {
  if (workers.length === 0)
    return "No workers: one starts with the first request for a model, or with `rbee workers spawn <model>`.";
  const rows = workers.map((w) => [
    w.worker_id,
    w.hive_id,
    w.model,
    w.device,
    stateOf(w),
    `${w.slots_busy} of ${w.slots} busy`,
    w.kind ?? "",
    speedOf(w),
  ]);
  const fast = workers.some(({ tokens_per_s }) => tokens_per_s !== undefined);
  const head = ["worker", "hive", "model", "device", "state", "slots", "kind", ...(fast ? ["speed"] : [])];
  return columns(head, fast ? rows : rows.map((row) => row.slice(0, -1)));
}

export const renderWorker = ({ worker }: OperationResult<"active_worker_get">): string =>
  sheet({
    worker: worker.worker_id,
    hive: worker.hive_id,
    kind: worker.kind,
    model: worker.model,
    device: worker.device,
    state: stateOf(worker),
    slots: `${worker.slots_busy} of ${worker.slots} busy`,
    speed: worker.tokens_per_s === undefined ? undefined : `${speedOf(worker)} lately`,
    since: worker.since === undefined ? undefined : ago(worker.since),
  });

export function renderProcesses({ workers }: OperationResult<"worker_process_list">): string {
  if (workers.length === 0) return "No worker processes on this hive.";
  const gpu = workers.some(({ vram_mb }) => vram_mb !== undefined);
  const rows = workers.map((w) => [
    String(w.pid),
    w.worker_id,
    w.model,
    w.device,
    coloured(w.status),
    w.kind,
    String(w.port),
    w.rss === undefined ? "" : bytes(w.rss),
    w.cpu_pct === undefined ? "" : `${Math.round(w.cpu_pct)} %`,
    ...(gpu ? [w.vram_mb === undefined ? "" : bytes(w.vram_mb * MIB)] : []),
  ]);
  const problems = workers
    .filter(({ problem }) => problem !== undefined)
    .map(({ worker_id, problem }) => paintOut("red", `\n${worker_id}: ${problem}`));
  const head = [
    "pid",
    "worker",
    "model",
    "device",
    "state",
    "kind",
    "port",
    "memory",
    "cpu",
    ...(gpu ? ["gpu memory"] : []),
  ];
  return columns(head, rows) + problems.join("");
}

const MIB = 1_048_576;

export const renderSpawn = (worker: OperationResult<"worker_spawn">): string =>
  `${worker.worker_id} is ${coloured(worker.status)}: pid ${worker.pid}, port ${worker.port}`;

/** Engines a hive could have, with what stands in the way. */
export function renderCatalog({ workers }: OperationResult<"worker_catalog_list">): string {
  const rows = workers.map((offer) => [
    offer.worker_type,
    offer.version,
    offer.size_bytes === undefined ? "" : bytes(offer.size_bytes),
    offer.installed ? paintOut("green", "installed") : offer.installable ? offer.method : paintOut("dim", "no"),
    offer.installed ? "" : (offer.reason ?? ""),
  ]);
  return columns(["engine", "version", "download", "", ""], rows);
}

export function renderBinaries({ workers }: OperationResult<"worker_binary_list">): string {
  if (workers.length === 0) return "No engines on this hive: `rbee workers catalog` shows those it could have.";
  const rows = workers.map((engine) => [
    engine.worker_type,
    engine.version,
    bytes(engine.size_bytes),
    engine.bundled ? "came with the agent" : "",
    engine.in_use_by.length === 0 ? "" : `used by ${engine.in_use_by.join(", ")}`,
  ]);
  return columns(["engine", "version", "size", "", ""], rows);
}

export const renderInstalled = (engine: OperationResult<"worker_download">): string =>
  `${engine.worker_type} ${engine.version} is installed: ${bytes(engine.size_bytes)}, ${engine.path}`;

export const renderEngine = ({ worker }: OperationResult<"worker_binary_get">): string =>
  sheet({
    engine: worker.worker_type,
    version: worker.version,
    size: bytes(worker.size_bytes),
    at: worker.path,
    sha256: worker.sha256,
    "came with": worker.bundled ? "the agent" : undefined,
    "used by": worker.in_use_by,
  });
