import { RbeeError } from "@rbee/contracts";
import { access, constants } from "node:fs/promises";
import path from "node:path";
import type { DeviceKind } from "../devices/devices.ts";

/** What a build needs: one program of each row, and what to install when none is there. */
const tools: readonly { readonly any: readonly string[]; readonly hint: string; readonly only?: DeviceKind }[] = [
  { any: ["git"], hint: "git" },
  { any: ["cmake"], hint: "cmake" },
  { any: ["ninja", "make", "nmake"], hint: "make or ninja" },
  { any: [process.env["CXX"] ?? "c++", "g++", "clang++", "cl"], hint: "a C++ compiler (g++ or clang)" },
  { any: ["nvcc"], hint: "the CUDA toolkit (nvcc)", only: "cuda" },
  { any: ["glslc"], hint: "the Vulkan SDK (glslc)", only: "vulkan" },
];

/** What is missing here to build for a kind of device; empty when nothing is. */
export async function missingTools(backend: DeviceKind): Promise<string[]> {
  const needed = tools.filter(({ only }) => only === undefined || only === backend);
  const found = await Promise.all(
    needed.map(async ({ any, hint }) => ((await Promise.all(any.map(inPath))).some(Boolean) ? [] : [hint])),
  );
  return found.flat();
}

/** @throws RbeeError build_failed, saying what to install */
export async function checkToolchain(backend: DeviceKind): Promise<void> {
  const missing = await missingTools(backend);
  if (missing.length > 0)
    throw new RbeeError("build_failed", `this hive lacks ${missing.join(", ")}; install it first`);
}

async function inPath(program: string): Promise<boolean> {
  if (path.isAbsolute(program)) return await isProgram(program);
  const folders = (process.env["PATH"] ?? "").split(path.delimiter).filter((folder) => folder !== "");
  const names = process.platform === "win32" ? [`${program}.exe`, `${program}.cmd`] : [program];
  const tried = folders.flatMap((folder) => names.map(async (name) => isProgram(path.join(folder, name))));
  return (await Promise.all(tried)).some(Boolean);
}

async function isProgram(file: string): Promise<boolean> {
  return await access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
