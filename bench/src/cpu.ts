import { readdirSync, readFileSync } from "node:fs";

/** Processor time in milliseconds. Unlike wall time it says the same on a busy machine. */
export interface Cpu {
  readonly queen: number;
  readonly agent: number;
  readonly workers: number;
  readonly client: number;
}

/** Linux reports times in ticks; every build of it that Node runs on has 100 a second. */
const MS_PER_TICK = 10;

/** Time of a process and its children so far; 0 where the system does not tell. */
function timeOf(pid: number, table: ReadonlyMap<number, { parent: number; ms: number }>): number {
  let ms = table.get(pid)?.ms ?? 0;
  for (const [child, { parent }] of table) if (parent === pid) ms += timeOf(child, table);
  return ms;
}

export function cpuOf(pids: { queen: number; agent: number; workers: readonly number[] }): Cpu {
  const table = processes();
  const own = process.cpuUsage();
  const alone = (pid: number) => table.get(pid)?.ms ?? 0;
  return {
    queen: timeOf(pids.queen, table),
    agent: alone(pids.agent),
    workers: pids.workers.reduce((sum, pid) => sum + alone(pid), 0),
    client: (own.user + own.system) / 1_000,
  };
}

/** Resident memory in bytes of a process and its children. */
export function memoryOf(pid: number, table: ReadonlyMap<number, { parent: number }> = processes()): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  let bytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  for (const [child, { parent }] of table) if (parent === pid) bytes += memoryOf(child, table);
  return bytes;
}

/** What was used between two looks, per job or token. */
export function cpuPer(units: number, before: Cpu, after: Cpu): Cpu {
  const share = (part: keyof Cpu) => Math.round((1_000 * (after[part] - before[part])) / units) / 1_000;
  return { queen: share("queen"), agent: share("agent"), workers: share("workers"), client: share("client") };
}

function processes(): Map<number, { parent: number; ms: number }> {
  const table = new Map<number, { parent: number; ms: number }>();
  for (const name of process.platform === "linux" ? readdirSync("/proc") : []) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      // The second field is the name in parentheses, which may hold spaces and parentheses itself.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const field = (number: number) => Number(fields[number - 3]);
      table.set(Number(name), { parent: field(4), ms: (field(14) + field(15)) * MS_PER_TICK });
    } catch {
      // It ended while we looked.
    }
  }
  return table;
}
