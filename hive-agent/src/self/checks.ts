import { execFile } from "node:child_process";
import { statfs } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { limits, queenTimeHeader, type Device } from "@rbee/contracts";
import type { Sql } from "@rbee/job-core";
import type { ModelCatalogue } from "../models/catalogue.ts";
import type { EnginePackage } from "../worker/engine-package.ts";
import { cleanEnvironment } from "../workers/environment.ts";

/** One look at something this hive stands on. What it throws is why it is not well. */
export interface SelfCheck {
  readonly name: string;
  /** @returns what it saw, for a person */
  readonly look: (signal: AbortSignal) => Promise<string>;
}

/** What there is to look at. */
export interface Foundations {
  readonly home: string;
  readonly queen_url: string;
  readonly sql: Sql;
  readonly catalogue: Pick<ModelCatalogue, "list">;
  readonly devices: () => Promise<readonly Device[]>;
  /** The engine for a kind of device, if one is installed. */
  readonly engineFor: (kind: Device["kind"]) => EnginePackage | undefined;
  /** Round trip to the queen, in milliseconds. @throws RbeeError unavailable */
  readonly rtt: () => Promise<number>;
}

export const selfChecks = (of: Foundations): readonly SelfCheck[] => [
  { name: "storage", look: async () => storage(of.sql) },
  { name: "disk", look: async () => disk(of.home) },
  { name: "devices", look: async () => devices(of) },
  { name: "engine", look: async (signal) => engine(of, signal) },
  { name: "models", look: async () => models(of.catalogue) },
  { name: "clock", look: async (signal) => clock(of.queen_url, signal) },
  { name: "queen", look: async () => `the queen answers within ${(await of.rtt()).toFixed(1)} ms` },
];

function storage(sql: Sql): string {
  const now = Date.now();
  sql.exec("CREATE TABLE IF NOT EXISTS probe (id INTEGER PRIMARY KEY CHECK (id = 1), at INTEGER)");
  sql.exec("INSERT OR REPLACE INTO probe (id, at) VALUES (1, ?)", now);
  if (sql.exec<{ at: number }>("SELECT at FROM probe")[0]?.at === now) return "the journal writes and reads back";
  throw new Error("the journal read something else than it wrote");
}

async function disk(home: string): Promise<string> {
  const { bavail, blocks, bsize } = await statfs(home);
  const said = `${amount(bavail * bsize)} of ${amount(blocks * bsize)} are free at ${home}`;
  if (bavail * bsize >= limits.download_headroom_bytes) return said;
  throw new Error(`${said}: downloads stop when less than ${amount(limits.download_headroom_bytes)} would be left`);
}

async function devices({ devices, engineFor }: Foundations): Promise<string> {
  const all = await devices();
  const said = all
    .map(({ id, name, memory_free_bytes }) => `${id} ${name} (${amount(memory_free_bytes)} free)`)
    .join(", ");
  const bare = all.filter(({ kind }) => engineFor(kind) === undefined).map(({ kind }) => kind);
  if (bare.length === 0) return said;
  throw new Error(`${said}; no engine for ${bare.join(", ")}: \`rbee workers install ${bare[0]}-llm-worker\``);
}

const PROBE = fileURLToPath(new URL("engine-probe.ts", import.meta.url));

/** Each engine that could serve a device here is started, in a process of its own. */
async function engine({ devices, engineFor }: Foundations, signal: AbortSignal): Promise<string> {
  const kinds = [...new Set((await devices()).map(({ kind }) => kind))];
  const installed = kinds.flatMap((kind) => {
    const found = engineFor(kind);
    return found === undefined ? [] : [{ kind, found }];
  });
  if (installed.length === 0) throw new Error("no engine is installed: `rbee workers catalog` shows those there are");
  const said: string[] = [];
  for (const { kind, found } of installed) {
    const begun = performance.now();
    const release = await startEngine(kind, found, signal);
    const took = Math.round(performance.now() - begun);
    said.push(`${kind} (llama.cpp ${release}) starts in ${took} ms`);
  }
  return said.join(", ");
}

async function startEngine(kind: string, found: EnginePackage, signal: AbortSignal): Promise<string> {
  const options = { timeout: limits.check_engine_ms, killSignal: "SIGKILL", env: cleanEnvironment(), signal } as const;
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [PROBE, kind, JSON.stringify(found)], options);
    return String((JSON.parse(stdout) as { release?: unknown }).release);
  } catch (cause) {
    signal.throwIfAborted();
    const { stderr = "", killed } = cause as { stderr?: string; killed?: boolean };
    const last = stderr.split("\n").findLast((line) => /\S/.test(line) && !/^\s+at |^Node\.js/.test(line));
    const why = killed === true ? `did not start within ${limits.check_engine_ms / 1000} s` : "does not start";
    throw new Error(`the ${kind} engine ${why}${last === undefined ? "" : `: ${last.trim()}`}`, { cause });
  }
}

async function models(catalogue: Foundations["catalogue"]): Promise<string> {
  const all = await catalogue.list();
  const size = all.reduce((sum, { size_bytes }) => sum + size_bytes, 0);
  const said =
    all.length === 0 ? "there is none yet" : `${all.length} model${all.length === 1 ? "" : "s"}, ${amount(size)}`;
  const bad = all.filter(({ status }) => status === "invalid").map(({ id }) => id);
  if (bad.length === 0) return said;
  throw new Error(`${said}; damaged: ${bad.join(", ")}; \`rbee models get\` says why`);
}

async function clock(queen_url: string, signal: AbortSignal): Promise<string> {
  const sent = Date.now();
  const bound = AbortSignal.any([signal, AbortSignal.timeout(limits.connect_wait_ms)]);
  const response = await fetch(new URL("health", `${queen_url.replace(/\/+$/, "")}/`), { signal: bound }).catch(
    () => undefined,
  );
  await response?.body?.cancel();
  const queens = Number(response?.headers.get(queenTimeHeader));
  if (!(queens > 0)) throw new Error("the queen does not tell her time");
  const ahead = Math.round((sent + Date.now()) / 2 - queens);
  const said = `${Math.abs(ahead)} ms ${ahead < 0 ? "behind" : "ahead of"} the queen's`;
  if (Math.abs(ahead) <= limits.check_clock_ms) return said;
  throw new Error(`${said}: set this machine's clock by the network`);
}

/** `2.2 MiB`, `78 GiB`. */
function amount(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const unit = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  const value = bytes / 1024 ** unit;
  return `${value.toFixed(value < 10 && unit > 0 ? 1 : 0)} ${units[unit]}`;
}
