import { RbeeError, type Device } from "@rbee/contracts";
import os from "node:os";
import type { EnginePackage } from "../worker/engine-package.ts";
import { probeAmd } from "./amd.ts";
import { probeNvidia } from "./nvidia.ts";
import { probeVulkan } from "./vulkan.ts";

export type DeviceKind = Device["kind"];

/**
 * What this machine can compute on, now: free memory changes. The CPU is always there and always last. `vulkan` is the
 * engine to ask about boards that no maker's tool knows.
 */
export async function probeDevices(vulkan?: EnginePackage): Promise<Device[]> {
  const [nvidia, amd, others] = await Promise.all([probeNvidia(), probeAmd(), probeVulkan(vulkan)]);
  return [...nvidia, ...mergeVulkan(amd, others, nvidia), ...probeMetal(), cpuDevice()];
}

/** The engine's own numbers count where it is there; a board that CUDA serves is not listed twice. */
function mergeVulkan(amd: readonly Device[], seen: readonly Device[], nvidia: readonly Device[]): Device[] {
  if (seen.length === 0) return [...amd];
  const told = [...amd];
  return seen
    .filter(({ name }) => !nvidia.some((other) => other.name === name))
    .map((device) => {
      const at = told.findIndex(({ name }) => device.name.includes(name) || name.includes(device.name));
      const [known] = at < 0 ? [] : told.splice(at, 1);
      return { ...known, ...device };
    });
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

export interface DeviceWish {
  /** `auto`, or the kind of device the engine must be built for. */
  readonly worker: "auto" | DeviceKind;
  /** `auto`, `cpu`, `cuda:0`, …; a bare number is the GPU with that number. */
  readonly device: string;
}

/** The devices that answer to a wish and have an engine, best first. @throws RbeeError no_such_device, unsupported */
export function fittingDevices(
  wish: DeviceWish,
  devices: readonly Device[],
  installed: (kind: DeviceKind) => boolean,
): readonly [Device, ...Device[]] {
  const there = devices.filter((device) => wish.worker === "auto" || device.kind === wish.worker);
  const named = there.filter((device) => wish.device === "auto" || answersTo(device.id, wish));
  const [first, ...rest] = named.filter((device) => installed(device.kind));
  if (first !== undefined) return [first, ...rest];
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

/**
 * Is the device with this id meant? `cuda` and `cuda:0` are the same, and so are `cpu` and `cpu:0`; a bare number is a
 * GPU's, unless the CPU is asked for.
 */
export function answersTo(id: string, { worker, device: name }: DeviceWish): boolean {
  const isCpu = kindOf(id) === "cpu";
  if (/^\d+$/.test(name)) return (!isCpu || worker === "cpu") && numberOf(id) === Number(name);
  const [kind = "", number] = name.split(":");
  return kindOf(id) === kind && (number === undefined || numberOf(id) === Number(number));
}

const kindOf = (id: string): string => id.split(":")[0] ?? "";
const numberOf = (id: string): number => Number(id.split(":")[1] ?? 0);
