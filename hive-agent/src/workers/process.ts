import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

/*
 * Other processes of this machine, by pid. A pid is given to somebody else once its process is gone, so a process is
 * only ever ours when the time it was started matches too.
 */

/** What a process and those it started use. */
export interface ProcessUse {
  readonly rss_bytes: number;
  readonly cpu_pct: number;
  readonly pids: readonly number[];
}

/** Linux reports times in ticks; every build of it that Node runs on has 100 a second. */
const TICKS_PER_S = 100;

/** When the process was started, in words of its system; undefined when there is no such process (any more). */
export async function startTime(pid: number): Promise<string | undefined> {
  if (process.platform === "linux") {
    const stat = await linuxStat(pid);
    // A zombie has ended; only its exit code is still waiting to be read.
    return stat === undefined || stat.state === "Z" ? undefined : `${stat.startTicks}`;
  }
  const said = await ps(pid, "lstart=");
  return said === "" ? undefined : said;
}

/** Memory, and processor time since the last question (at first: since its start) in percent of one core. */
export class ProcessMeter {
  readonly #last = new Map<number, { at: number; ticks: number }>();

  async use(pid: number): Promise<ProcessUse | undefined> {
    if (process.platform !== "linux") return await useByPs(pid);
    const stat = await linuxStat(pid);
    if (stat === undefined) {
      this.#last.delete(pid);
      return undefined;
    }
    const pids = [pid, ...(await descendants(pid))];
    const parts = await Promise.all(pids.map(async (one) => (one === pid ? stat : linuxStat(one))));
    const cpuTicks = parts.reduce((sum, part) => sum + (part?.cpuTicks ?? 0), 0);
    const now = performance.now();
    const last = this.#last.get(pid);
    this.#last.set(pid, { at: now, ticks: cpuTicks });
    const seconds = last === undefined ? stat.ageSeconds : (now - last.at) / 1_000;
    const ticks = Math.max(0, cpuTicks - (last?.ticks ?? 0));
    return {
      rss_bytes: (await Promise.all(pids.map(residentBytes))).reduce((sum, one) => sum + one, 0),
      cpu_pct: seconds > 0 ? Math.round((ticks / TICKS_PER_S / seconds) * 1_000) / 10 : 0,
      pids,
    };
  }

  forget(pid: number): void {
    this.#last.delete(pid);
  }
}

/** Sends a signal to a worker and everything it started: a worker leads its own process group. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(process.platform === "win32" ? pid : -pid, signal);
  } catch {
    // It ended by itself in the meantime, which is what was wanted.
  }
}

async function linuxStat(pid: number) {
  const [stat, uptime] = await Promise.all([
    readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined),
    readFile("/proc/uptime", "utf8").catch(() => "0"),
  ]);
  if (stat === undefined) return undefined;
  // The second field is the name in parentheses, which may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const field = (number: number) => Number(fields[number - 3]);
  const startTicks = field(22);
  return {
    state: fields[0],
    startTicks,
    cpuTicks: field(14) + field(15),
    ageSeconds: Number.parseFloat(uptime) - startTicks / TICKS_PER_S,
  };
}

/** Generations of children that a worker may have: an engine, and what that starts. */
const GENERATIONS = 3;

async function descendants(pid: number): Promise<number[]> {
  const all: number[] = [];
  let parents = [pid];
  for (let generation = 0; generation < GENERATIONS && parents.length > 0; generation += 1) {
    const said = await Promise.all(
      parents.map(async (one) => readFile(`/proc/${one}/task/${one}/children`, "utf8").catch(() => "")),
    );
    parents = said.flatMap((line) => line.split(" ").filter(Boolean).map(Number));
    all.push(...parents);
  }
  return all;
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1_024;
}

async function useByPs(pid: number): Promise<ProcessUse | undefined> {
  const [rss, cpu] = (await ps(pid, "rss=,pcpu=")).split(/\s+/);
  if (rss === undefined || cpu === undefined || rss === "") return undefined;
  return { rss_bytes: Number(rss) * 1_024, cpu_pct: Number(cpu), pids: [pid] };
}

async function ps(pid: number, columns: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)("ps", ["-o", columns, "-p", String(pid)]);
    return stdout.trim();
  } catch {
    return "";
  }
}
