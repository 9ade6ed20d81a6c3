import type { ActiveWorker, HiveInfo, JobLine, JobView, ModelInfo, OperationResult } from "@rbee/sdk";
import { paintOut, widthOf } from "../terminal/output.ts";
import { table } from "../terminal/table.ts";
import { ago, bytes, duration, plural } from "../terminal/words.ts";

/** Results in words: what a person wants to see of each first. */

type Paint = Parameters<typeof paintOut>[0];
const stateColours: Readonly<Record<string, Paint>> = {
  ready: "green",
  succeeded: "green",
  running: "cyan",
  dispatched: "cyan",
  starting: "yellow",
  draining: "yellow",
  queued: "yellow",
  partial: "yellow",
  cancelled: "dim",
  failed: "red",
  dead: "red",
  invalid: "red",
  unreachable: "red",
};
const coloured = (state: string): string => paintOut(stateColours[state] ?? "reset", state);

const columns = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  table(head, rows, { width: widthOf(process.stdout), colours: paintOut("dim", "x") !== "x" });

/** One thing, a field a line. Fields that are absent are left out. */
function sheet(fields: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const width = Math.max(...given.map(([name]) => name.length));
  return given.map(([name, value]) => `${paintOut("dim", name.padEnd(width))}  ${value}`).join("\n");
}

function connection(hive: HiveInfo): string {
  if (!hive.connected) return paintOut("dim", `away, seen ${ago(hive.last_seen)}`);
  return hive.draining === true ? paintOut("yellow", "leaving") : paintOut("green", "connected");
}

function memory(hive: HiveInfo): string {
  const device = hive.devices.find(({ kind }) => kind !== "cpu") ?? hive.devices[0];
  return device === undefined ? "" : `${bytes(device.memory_free_bytes)} of ${bytes(device.memory_total_bytes)}`;
}

export function renderHives({ hives }: { hives: readonly HiveInfo[] }): string {
  if (hives.length === 0) return "No hives yet: `rbee hives token` makes a token with which a machine joins.";
  const rows = hives.map((hive) => [
    hive.hive_id,
    connection(hive),
    hive.devices.map(({ name }) => name).join(", "),
    memory(hive),
    hive.models.map(({ id }) => id).join(", "),
    `${hive.jobs_running} running, ${hive.jobs_queued} queued`,
  ]);
  return columns(["hive", "state", "devices", "memory free", "models", "jobs"], rows);
}

export const renderHive = ({ hive }: { hive: HiveInfo }): string =>
  sheet({
    hive: hive.hive_id,
    state: connection(hive),
    version: hive.version,
    platform: hive.platform,
    devices: hive.devices
      .map((d) => `${d.id} ${d.name} (${bytes(d.memory_free_bytes)} of ${bytes(d.memory_total_bytes)} free)`)
      .join("\n" + " ".repeat(10)),
    models: hive.models.map(({ id, loaded }) => (loaded ? `${id} (loaded)` : id)).join(", "),
    jobs: `${hive.jobs_running} running, ${hive.jobs_queued} queued`,
    enrolled: ago(hive.enrolled_at),
  });

export const renderHiveStatus = (status: OperationResult<"hive_status">): string => {
  if (!status.running) return `${status.hive_id} does not answer; it was seen ${ago(status.last_seen)}`;
  return `${status.hive_id} is up${status.rtt_ms === undefined ? "" : `, round trip ${status.rtt_ms.toFixed(1)} ms`}`;
};

export const renderToken = ({ token, expires_at }: OperationResult<"hive_token_create">): string =>
  sheet({ token, "good for": `one hive, within ${duration(expires_at - Date.now())}` });

export function renderWorkers({ workers }: { workers: readonly ActiveWorker[] }): string {
  if (workers.length === 0)
    return "No workers: one starts with the first request for a model, or with `rbee workers spawn <model>`.";
  const rows = workers.map((w) => [
    w.worker_id,
    w.hive_id,
    w.model,
    w.device,
    coloured(w.state),
    `${w.slots_busy} of ${w.slots} busy`,
  ]);
  return columns(["worker", "hive", "model", "device", "state", "slots"], rows);
}

export function renderProcesses({ workers }: OperationResult<"worker_process_list">): string {
  if (workers.length === 0) return "No worker processes on this hive.";
  const rows = workers.map((w) => [
    String(w.pid),
    w.worker_id,
    w.model,
    w.device,
    coloured(w.state),
    String(w.port),
    w.rss_bytes === undefined ? "" : bytes(w.rss_bytes),
    w.cpu_pct === undefined ? "" : `${Math.round(w.cpu_pct)} %`,
  ]);
  return columns(["pid", "worker", "model", "device", "state", "port", "memory", "cpu"], rows);
}

export const renderSpawn = (worker: OperationResult<"worker_spawn">): string =>
  `${worker.worker_id} is ${coloured(worker.status)}: pid ${worker.pid}, port ${worker.port}`;

export function renderModels({ models, stale }: OperationResult<"model_list">): string {
  const note = stale === true ? paintOut("yellow", "\nThe hive is away: this is what it last said.") : "";
  if (models.length === 0) return `No models on this hive.${note}`;
  const rows = models.map((m: ModelInfo) => [m.id, bytes(m.size_bytes), coloured(m.status), m.loaded ? "loaded" : ""]);
  return columns(["model", "size", "state", ""], rows) + note;
}

export const renderModel = ({ model, stale }: OperationResult<"model_get">): string =>
  sheet({
    model: model.id,
    name: model.name,
    state: `${coloured(model.status)}${model.loaded ? ", loaded" : ""}${stale === true ? " (last known)" : ""}`,
    problem: model.problem,
    architecture: model.architecture,
    quantisation: model.quantization,
    parameters: model.parameters?.toLocaleString("en"),
    context: model.context === undefined ? undefined : `${model.context} tokens`,
    "chat template": model.chat_template === undefined ? undefined : model.chat_template ? "yes" : "no",
    licence: model.licence,
    size: bytes(model.size_bytes),
    files: model.files?.map(({ path }) => path).join("\n" + " ".repeat(15)),
  });

export function renderStatus({ hives, workers, queue }: OperationResult<"status">): string {
  const waiting = queue.queued === 0 ? "Nothing waits" : `${plural(queue.queued, "job")} waiting`;
  return [renderHives({ hives }), "", renderWorkers({ workers }), "", `${waiting}, ${queue.running} running.`].join(
    "\n",
  );
}

export function renderJobs(jobs: readonly JobLine[]): string {
  if (jobs.length === 0) return "No jobs yet.";
  const rows = jobs.map((job) => [
    job.job_id,
    job.operation,
    job.error_code === undefined ? coloured(job.state) : `${coloured(job.state)} (${job.error_code})`,
    job.hive_id ?? "",
    job.model ?? "",
    ago(job.submitted_at),
    job.finished_at === undefined ? "" : duration(job.finished_at - job.submitted_at),
  ]);
  return columns(["job", "operation", "state", "hive", "model", "submitted", "took"], rows);
}

export const renderJob = (job: JobView): string =>
  sheet({
    job: job.job_id,
    operation: job.operation,
    state: `${coloured(job.state)}${job.cancelling ? ", cancelling" : ""}`,
    waits:
      job.position === undefined
        ? job.reason
        : `position ${job.position}${job.reason === undefined ? "" : `: ${job.reason}`}`,
    hive: job.hive_id,
    worker: job.worker_id,
    submitted: ago(job.submitted_at),
    took: job.finished_at === undefined ? undefined : duration(job.finished_at - job.submitted_at),
    error: job.error === undefined ? undefined : `[${job.error.code}] ${job.error.detail}`,
    result: job.result === undefined ? undefined : JSON.stringify(job.result),
  });
