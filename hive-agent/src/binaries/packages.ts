import type { WorkerType } from "@rbee/contracts";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import type { DeviceKind } from "../devices/devices.ts";

/** Which engine computes on which kind of device. */
export const engineOf: Readonly<Record<DeviceKind, WorkerType>> = {
  cpu: "cpu-llm-worker",
  cuda: "cuda-llm-worker",
  vulkan: "vulkan-llm-worker",
  metal: "metal-llm-worker",
};

/** The kind of device that an engine which comes ready made computes on. */
export const kindOf = (type: WorkerType): DeviceKind | undefined =>
  (Object.keys(engineOf) as DeviceKind[]).find((kind) => engineOf[kind] === type);

/** What node-llama-cpp publishes, by the machine. */
const published: Readonly<Record<string, Partial<Record<DeviceKind, string>>>> = {
  "linux-x64": { cpu: "linux-x64", cuda: "linux-x64-cuda", vulkan: "linux-x64-vulkan" },
  "linux-arm64": { cpu: "linux-arm64" },
  "linux-arm": { cpu: "linux-armv7l" },
  "linux-riscv64": { cpu: "linux-riscv64" },
  // On Apple silicon the only package is the one with Metal, which also computes on the CPU.
  "darwin-arm64": { cpu: "mac-arm64-metal", metal: "mac-arm64-metal" },
  "darwin-x64": { cpu: "mac-x64" },
  "win32-x64": { cpu: "win-x64", cuda: "win-x64-cuda", vulkan: "win-x64-vulkan" },
  "win32-arm64": { cpu: "win-arm64" },
};

/** The npm package with this machine's engine for a kind of device; undefined where there is none. */
export function packageFor(kind: DeviceKind): string | undefined {
  const name = published[`${process.platform}-${process.arch}`]?.[kind];
  return name === undefined ? undefined : `@node-llama-cpp/${name}`;
}

const require = createRequire(import.meta.url);

/**
 * The folder of a package that was installed with this agent. Read from the folders themselves: engines export no
 * package.json, and the ones left out at install time are empty stand-ins with another name.
 */
export function installedPackage(name: string): { folder: string; version: string } | undefined {
  for (const root of require.resolve.paths(name) ?? []) {
    const folder = path.join(root, name);
    const file = path.join(folder, "package.json");
    if (!existsSync(file)) continue;
    const manifest = JSON.parse(readFileSync(file, "utf8")) as { name?: unknown; version?: unknown };
    if (manifest.name === name && typeof manifest.version === "string") return { folder, version: manifest.version };
  }
  return undefined;
}

/** node-llama-cpp takes engines of its own version only. */
export const engineVersion = (): string => installedPackage("node-llama-cpp")?.version ?? "";

/** The source of llama.cpp that node-llama-cpp ships, as a git bundle, and its version. */
export function bundledSource(): { bundle: string; version: string } | undefined {
  const folder = installedPackage("node-llama-cpp")?.folder ?? "";
  const bundle = path.join(folder, "llama", "gitRelease.bundle");
  if (!existsSync(bundle)) return undefined;
  const release = JSON.parse(readFileSync(path.join(folder, "llama", "binariesGithubRelease.json"), "utf8")) as {
    release?: string;
  };
  return { bundle, version: release.release ?? "unknown" };
}
