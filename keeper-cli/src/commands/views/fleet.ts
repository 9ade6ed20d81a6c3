import type { Check, HiveInfo, OperationResult } from "@rbee/sdk";
import type { CommonFlags } from "../../common-flags.ts";
import { fail } from "../../failure.ts";
import { queenAddress } from "../../queen-address.ts";
import { paintOut } from "../../terminal/output.ts";
import { ago, bytes, duration, plural } from "../../terminal/words.ts";
import { columns, sheet } from "./parts.ts";
import { renderWorkers } from "./workers.ts";

/** Whether it is there, in words. */
export function connection(hive: HiveInfo): string {
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
    devices: hive.devices.map(
      (d) => `${d.id} ${d.name} (${bytes(d.memory_free_bytes)} of ${bytes(d.memory_total_bytes)} free)`,
    ),
    models: hive.models.map(({ id, loaded }) => (loaded ? `${id} (loaded)` : id)).join(", "),
    jobs: `${hive.jobs_running} running, ${hive.jobs_queued} queued`,
    enrolled: ago(hive.enrolled_at),
    note: hive.stale === true ? "it is away: devices and models are what it said last" : undefined,
  });

export const renderHiveStatus = (status: OperationResult<"hive_status">): string => {
  if (!status.running) return `${status.hive_id} does not answer; it was seen ${ago(status.last_seen)}`;
  return `${status.hive_id} is up${status.rtt_ms === undefined ? "" : `, round trip ${status.rtt_ms.toFixed(1)} ms`}`;
};

/** The token, and what to type on the machine that shall join. */
export function renderToken(
  { token, expires_at, install_command }: OperationResult<"hive_token_create">,
  flags: CommonFlags,
): string {
  const { hostname } = new URL(queenAddress(flags).url);
  const near = hostname === "localhost" || hostname.startsWith("127.") || hostname === "[::1]";
  const lines = [
    sheet({ token, "good for": `one hive, within ${duration(expires_at - Date.now())}` }),
    "",
    "On the machine that shall join, in a clone of this project:",
    "",
    paintOut("cyan", `  ${install_command}`),
    ...(near ? ["", paintOut("yellow", "This queen can be reached from this machine only.")] : []),
  ];
  return lines.join("\n");
}

export function renderStatus({ hives, workers, queue }: OperationResult<"status">): string {
  const waiting = queue.queued === 0 ? "Nothing waits" : `${plural(queue.queued, "job")} waiting`;
  return [renderHives({ hives }), "", renderWorkers({ workers }), "", `${waiting}, ${queue.running} running.`].join(
    "\n",
  );
}

/** A self-test, a line for each thing that was looked at. */
export const renderChecks = ({ checks }: { checks: readonly Check[] }): string =>
  checks
    .map(({ name, ok, detail }) => {
      const mark = ok ? paintOut("green", "✓") : paintOut("red", "✗");
      return `${mark} ${name.padEnd(Math.max(...checks.map((check) => check.name.length)))}  ${detail}`;
    })
    .join("\n");

/** For scripts: a test that found something is a command that failed. @throws RbeeError unavailable */
export function judgeChecks({ checks }: { checks: readonly Check[] }): void {
  const bad = checks.filter(({ ok }) => !ok).map(({ name }) => name);
  if (bad.length === 0) return;
  throw fail("unavailable", `not all is well: ${bad.join(", ")}`, "The lines that are marked above say what to do.");
}

export const renderDevices = ({ devices }: OperationResult<"hive_refresh_capabilities">): string =>
  columns(
    ["device", "name", "memory free", "driver", "capability"],
    devices.map((device) => [
      device.id,
      device.name,
      `${bytes(device.memory_free_bytes)} of ${bytes(device.memory_total_bytes)}`,
      device.driver ?? "",
      device.compute_capability ?? "",
    ]),
  );
