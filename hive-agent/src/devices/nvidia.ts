import type { Device } from "@rbee/contracts";
import { ask } from "./ask.ts";

const MIB = 1024 * 1024;
const columns = ["index", "name", "memory.total", "memory.free", "driver_version"];

export async function probeNvidia(): Promise<Device[]> {
  // Drivers before 2021 refuse the whole question when they do not know one of its columns.
  const said = (await query([...columns, "compute_cap"])) ?? (await query(columns));
  return parseNvidia(said ?? "");
}

/** GPU memory of each process, in MiB. Empty where the driver does not tell: in a container pids are others. */
export async function processMemory(): Promise<ReadonlyMap<number, number>> {
  const said = await ask("nvidia-smi", ["--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits"]);
  const rows = (said ?? "").split("\n").map((line) => line.split(",").map(Number));
  return new Map(rows.flatMap(([pid, mib]) => (pid && mib !== undefined && mib >= 0 ? [[pid, mib] as const] : [])));
}

const query = async (names: readonly string[]): Promise<string | undefined> =>
  ask("nvidia-smi", [`--query-gpu=${names.join(",")}`, "--format=csv,noheader,nounits"]);

function parseNvidia(csv: string): Device[] {
  return csv
    .split("\n")
    .map((line) => line.split(",").map((cell) => cell.trim()))
    .flatMap(([index = "", name = "", total = "", free = "", driver, compute]): Device[] => {
      const [totalMib, freeMib] = [Number.parseInt(total, 10), Number.parseInt(free, 10)];
      // Some boards report "[N/A]"; without its memory a device cannot be judged.
      if (!/^\d{1,2}$/.test(index) || Number.isNaN(totalMib) || Number.isNaN(freeMib)) return [];
      return [
        {
          id: `cuda:${Number(index)}`,
          kind: "cuda",
          name: name.slice(0, 128),
          memory_total_bytes: totalMib * MIB,
          memory_free_bytes: freeMib * MIB,
          ...(known(driver) ? { driver: driver.slice(0, 64) } : {}),
          ...(known(compute) ? { compute_capability: compute.slice(0, 32) } : {}),
        },
      ];
    });
}

const known = (cell: string | undefined): cell is string => cell !== undefined && cell !== "" && !cell.startsWith("[");
