import stringWidth from "string-width";
import type { FleetState, HiveInfo, JobLine } from "@rbee/sdk";
import { connection } from "../commands/views/fleet.ts";
import { coloured, withoutEmpty } from "../commands/views/parts.ts";
import { hasColours, paintOut, printable } from "../terminal/output.ts";
import { barOf, fitted } from "../terminal/progress.ts";
import { table } from "../terminal/table.ts";
import { bytes, duration, plural } from "../terminal/words.ts";
import type { Sight } from "./fleet-source.ts";

export interface FrameSize {
  readonly columns: number;
  readonly rows: number;
}

const MEMORY_CELLS = 12;
/** Shares of a device's memory from which its bar warns, and alarms. */
const FULL = 0.75;
const VERY_FULL = 0.92;
/** A heading, its table's head and one line: less of a part is nothing. */
const PART_LINES_MIN = 2;

interface Part {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Said where there is nothing to show. */
  readonly none: string;
  /** Columns that are never cut; the first one unless given. */
  readonly whole?: readonly number[];
}

/** The fleet as lines that fit a terminal. `hint` is the last line; there is none in a pipe */
export function frameOf(
  sight: Sight,
  queen: string,
  { columns, rows, hint }: FrameSize & { readonly hint?: string },
): string[] {
  const now = Date.now();
  const { fleet, problem } = printable(sight);
  const parts = [hivesOf(fleet), workersOf(fleet), waitingOf(fleet, now), runningOf(fleet, now)];
  const around = 1 + parts.length + (hint === undefined ? 0 : 1);
  const room = shared(
    parts.map((part) => Math.max(part.rows.length, 0) + 1),
    rows - around,
  );
  const width = Math.max(columns, 1);
  const body = parts.flatMap((part, i) => ["", ...drawn(part, width, room[i] ?? PART_LINES_MIN)]);
  const lines = [headline(fleet, queen, width), ...body];
  if (hint === undefined) return lines;
  const last =
    problem === undefined
      ? paintOut("dim", fitted(hint, width))
      : paintOut("red", fitted(`The queen does not answer: ${problem}`, width));
  const shown = lines.slice(0, rows - 1);
  return [...shown, ...Array.from({ length: rows - 1 - shown.length }, () => ""), last];
}

function headline({ hives, workers, queue }: FleetState, queen: string, width: number): string {
  const there = hives.filter(({ connected }) => connected).length;
  const counts = `${there} of ${plural(hives.length, "hive")}, ${plural(workers.length, "worker")}, ${queue.running} running, ${queue.queued} waiting`;
  const clock = new Date().toTimeString().slice(0, 8);
  const left = fitted(`rbee  ${counts}`, width - clock.length - 1);
  const address = fitted(queen, width - stringWidth(left) - clock.length - 3);
  const middle = address === "" ? "" : `  ${address}`;
  const gap = " ".repeat(Math.max(0, width - stringWidth(left + middle) - clock.length));
  return `${paintOut("bold", left)}${paintOut("dim", middle)}${gap}${clock}`;
}

/** A table of at most so many lines; the last says how many more there are. */
function drawn({ head, rows, none, whole = [0] }: Part, width: number, lines: number): string[] {
  if (rows.length === 0) return [paintOut("dim", fitted(none, width))];
  const fits = rows.length + 1 <= lines;
  const shown = fits ? rows : rows.slice(0, Math.max(0, lines - 2));
  const [title, ...cells] = table(head, shown, { width, colours: hasColours(process.stdout), whole }).split("\n");
  const more = fits ? [] : [paintOut("dim", `${rows.length - shown.length} more`)];
  return [title ?? "", ...cells, ...more];
}

/** Lines for each part: what it needs, and the largest give way until all have room. */
function shared(needs: readonly number[], lines: number): number[] {
  const room = [...needs];
  while (room.reduce((sum, one) => sum + one, 0) > lines) {
    const largest = Math.max(...room);
    if (largest <= PART_LINES_MIN) break;
    room[room.lastIndexOf(largest)] = largest - 1;
  }
  return room;
}

const hivesOf = ({ hives }: FleetState): Part => ({
  head: ["hive", "memory", "", "device", "jobs", "state"],
  whole: [0, 1],
  none: "No hives yet: `rbee hives token` makes a token with which a machine joins.",
  rows: hives.flatMap((hive) => {
    const devices = hive.devices.length === 0 ? [undefined] : hive.devices;
    return devices.map((device, i) => [
      i === 0 ? hive.hive_id : "",
      ...(device === undefined ? ["", "", ""] : [...memoryOf(hive, device), `${device.id} ${device.name}`]),
      i === 0 ? String(hive.jobs_running) : "",
      i === 0 ? connection(hive) : "",
    ]);
  }),
});

function memoryOf({ connected }: HiveInfo, device: HiveInfo["devices"][number]): string[] {
  const used = device.memory_total_bytes - device.memory_free_bytes;
  const share = Math.min(1, Math.max(0, used / Math.max(device.memory_total_bytes, 1)));
  const colour = !connected ? "dim" : share >= VERY_FULL ? "red" : share >= FULL ? "yellow" : "green";
  return [paintOut(colour, barOf(share, MEMORY_CELLS)), `${bytes(used)} of ${bytes(device.memory_total_bytes)}`];
}

const SLOTS_DRAWN = 8;

function workersOf({ workers }: FleetState): Part {
  const rows = workers.map((worker) => [
    worker.worker_id,
    `${worker.slots > SLOTS_DRAWN ? "" : `${paintOut("cyan", "■".repeat(worker.slots_busy))}${"□".repeat(worker.slots - worker.slots_busy)} `}${worker.slots_busy}/${worker.slots}`,
    worker.tokens_per_s === undefined ? "" : `${Math.round(worker.tokens_per_s)} tokens/s`,
    worker.model,
    worker.device,
    coloured(worker.state),
  ]);
  const [head, told] = withoutEmpty(["worker", "slots", "speed", "model", "device", "state"], rows);
  return { head, rows: told, none: "No workers: one starts with the first request for a model." };
}

const waitingOf = ({ jobs }: FleetState, now: number): Part =>
  jobsPart(
    jobs.filter(({ state }) => state === "queued"),
    now,
    ["waiting job", "Nothing waits."],
  );

const runningOf = ({ jobs }: FleetState, now: number): Part =>
  jobsPart(
    jobs.filter(({ state }) => state === "running" || state === "dispatched"),
    now,
    ["running job", "Nothing runs."],
  );

function jobsPart(jobs: readonly JobLine[], now: number, [title, none]: readonly [string, string]): Part {
  const rows = jobs.map((job) => [
    job.job_id,
    duration(now - job.submitted_at),
    job.operation,
    job.hive_id ?? "",
    job.model ?? "",
  ]);
  const [head, told] = withoutEmpty([title, "for", "operation", "hive", "model"], rows);
  return { head, rows: told, none };
}
