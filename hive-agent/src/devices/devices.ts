import { limits, RbeeError, type Device } from "@rbee/contracts";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";

export type DeviceKind = Device["kind"];

/** What this machine can compute on, now: free memory changes. The CPU is always there and always last. */
export async function probeDevices(): Promise<Device[]> {
  return [...(await probeNvidia()), ...probeMetal(), cpuDevice()];
}

/** Memory that a new process could have: what the system has left, and a container's limit if that is less. */
function freeMemory(): number {
  return Math.min(os.freemem(), process.availableMemory());
}

function cpuDevice(): Device {
  return {
    id: "cpu",
    kind: "cpu",
    name: (os.cpus()[0]?.model ?? os.arch()).trim().slice(0, 128),
    memory_total_bytes: os.totalmem(),
    memory_free_bytes: freeMemory(),
  };
}

/** Apple silicon has one GPU, and its memory is the machine's. */
function probeMetal(): Device[] {
  if (process.platform !== "darwin" || process.arch !== "arm64") return [];
  return [{ ...cpuDevice(), id: "metal", kind: "metal" }];
}

async function probeNvidia(): Promise<Device[]> {
  const query = ["--query-gpu=index,name,memory.total,memory.free", "--format=csv,noheader,nounits"];
  try {
    const { stdout } = await promisify(execFile)("nvidia-smi", query, { timeout: limits.device_probe_ms });
    return parseNvidia(stdout);
  } catch {
    // No driver, no such program, or one that hangs: no device that could be used.
    return [];
  }
}

const MIB = 1024 * 1024;

export function parseNvidia(csv: string): Device[] {
  return csv
    .split("\n")
    .map((line) => line.split(",").map((cell) => cell.trim()))
    .flatMap(([index = "", name = "", total = "", free = ""]): Device[] => {
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
        },
      ];
    });
}

const require = createRequire(import.meta.url);

/** Engine packages are chosen at install time; the ones left out are empty stand-ins with another name. */
export function engineInstalled(kind: DeviceKind): boolean {
  const platform = process.platform === "darwin" ? "mac" : process.platform === "win32" ? "win" : process.platform;
  const suffix = { cpu: "", cuda: "-cuda", vulkan: "-vulkan", metal: "-metal" }[kind];
  const name = `@node-llama-cpp/${platform}-${process.arch}${suffix}`;
  // On Apple silicon the only package is the one with Metal, which also computes on the CPU.
  const names = kind === "cpu" && platform === "mac" ? [name, `${name}-metal`] : [name];
  return names.some((one) => {
    // Read from the folders themselves: the packages export no package.json.
    const folders = require.resolve.paths(one) ?? [];
    return folders.some((folder) => packageName(path.join(folder, one)) === one);
  });
}

function packageName(folder: string): unknown {
  try {
    return (JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8")) as { name?: unknown }).name;
  } catch {
    return undefined;
  }
}

export interface DeviceWish {
  /** `auto`, or the kind of device the engine must be built for. */
  readonly worker: "auto" | DeviceKind;
  /** `auto`, `cpu`, `cuda:0`, …; a bare number is the GPU with that number. */
  readonly device: string;
}

/** The device a worker will run on. @throws RbeeError no_such_device, unsupported */
export function chooseDevice(
  wish: DeviceWish,
  devices: readonly Device[],
  installed: (kind: DeviceKind) => boolean = engineInstalled,
): Device {
  const there = devices.filter((device) => wish.worker === "auto" || device.kind === wish.worker);
  const named = there.filter((device) => wish.device === "auto" || answersTo(device, wish.device));
  const usable = named.find((device) => installed(device.kind));
  if (usable !== undefined) return usable;
  const [absent] = named;
  if (absent !== undefined) {
    throw new RbeeError("unsupported", `${absent.id} is there, but no ${absent.kind} engine is installed on this hive`);
  }
  const wanted = [wish.worker, wish.device].filter((word) => word !== "auto").join(" ") || "auto";
  throw new RbeeError(
    "no_such_device",
    `no device fits "${wanted}"; this hive has ${devices.map(({ id }) => id).join(", ")}`,
  );
}

/** `cuda` and `cuda:0` are the same device, and so are `cpu` and `cpu:0`; the CPU has no number of its own. */
function answersTo(device: Device, name: string): boolean {
  if (/^\d+$/.test(name)) return device.kind !== "cpu" && numberOf(device.id) === Number(name);
  const [kind = "", number] = name.split(":");
  return device.kind === kind && (number === undefined || numberOf(device.id) === Number(number));
}

const numberOf = (id: string): number => Number(id.split(":")[1] ?? 0);
