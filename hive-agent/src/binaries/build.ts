import { limits, narrate, RbeeError, type HandlerEvent } from "@rbee/contracts";
import { createHash } from "node:crypto";
import { copyFile, readFile, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { DeviceKind } from "../devices/devices.ts";
import { lines, type Command } from "./command.ts";
import { bundledSource } from "./packages.ts";
import type { EngineStore, InstalledEngine } from "./store.ts";
import { checkToolchain } from "./toolchain.ts";

export interface BuildPlan {
  readonly backend: DeviceKind;
  /** Compilers at once. */
  readonly jobs: number;
  /** A git repository or bundle, and its version; llama.cpp as node-llama-cpp ships it, unless given. */
  readonly source?: { readonly bundle: string; readonly version: string };
}

/** One program out of many: no tests, no examples, nothing from the network while it builds. */
const options = [
  "-DCMAKE_BUILD_TYPE=Release",
  "-DBUILD_SHARED_LIBS=OFF",
  ...["TESTS", "EXAMPLES", "APP", "UI"].map((part) => `-DLLAMA_BUILD_${part}=OFF`),
  ...["COMMON", "TOOLS", "SERVER"].map((part) => `-DLLAMA_BUILD_${part}=ON`),
  "-DLLAMA_USE_PREBUILT_UI=OFF",
  "-DLLAMA_OPENSSL=OFF",
  "-DLLAMA_CURL=OFF",
  // Their warnings are thousands of lines that nobody on a hive can act on.
  ...["LLAMA", "GGML"].map((part) => `-D${part}_ALL_WARNINGS=OFF`),
];
const backendOption: Readonly<Record<DeviceKind, readonly string[]>> = {
  cpu: ["-DGGML_METAL=OFF"],
  cuda: ["-DGGML_CUDA=ON"],
  vulkan: ["-DGGML_VULKAN=ON"],
  metal: ["-DGGML_METAL=ON"],
};
const PROGRAM = process.platform === "win32" ? "llama-server.exe" : "llama-server";

/** Builds `llama-server` and installs it. What it says is narrated as it comes. @throws RbeeError build_failed */
export async function* build(
  store: EngineStore,
  plan: BuildPlan,
  signal: AbortSignal,
): AsyncGenerator<HandlerEvent, InstalledEngine, void> {
  const { backend } = plan;
  yield narrate("hive", "build_check", "Looking for git, cmake and a compiler");
  await checkToolchain(backend);
  const source = plan.source ?? bundledSource();
  if (source === undefined) throw new RbeeError("build_failed", "this agent was installed without llama.cpp's source");
  const staged = await store.stage();
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(limits.build_ms_max)]);
  try {
    for (const [said, command] of steps(staged, source.bundle, plan)) {
      yield narrate("hive", "build_step", said);
      yield* told(lines(command, bounded));
    }
    const program = path.join(staged, "content", PROGRAM);
    await copyFile(path.join(staged, "build", "bin", PROGRAM), program).catch((error: unknown) => {
      throw new RbeeError("build_failed", `the build left no ${PROGRAM}`, { cause: error });
    });
    for (const folder of ["source", "build"]) await rm(path.join(staged, folder), { recursive: true, force: true });
    const sha256 = createHash("sha256")
      .update(await readFile(program))
      .digest("hex");
    return await store.publish(staged, { worker_type: "llama-server", version: source.version, sha256, backend });
  } catch (error) {
    if (!signal.aborted && bounded.aborted) throw new RbeeError("deadline_exceeded", "the build took too long");
    throw error;
  } finally {
    await rm(staged, { recursive: true, force: true });
  }
}

function steps(staged: string, bundle: string, { backend, jobs }: BuildPlan): (readonly [string, Command])[] {
  const [source, target] = [path.join(staged, "source"), path.join(staged, "build")];
  const clone = ["clone", "--quiet", "--", bundle, source];
  const configure = ["-S", source, "-B", target, ...options, ...backendOption[backend]];
  const compile = ["--build", target, "--target", "llama-server", "--config", "Release", "--parallel", String(jobs)];
  return [
    ["Unpacking the source", gently("git", clone, staged)],
    ["Configuring", gently("cmake", configure, staged)],
    [`Compiling with ${jobs} at once`, gently("cmake", compile, staged)],
  ];
}

/** A machine that builds still has to answer. */
function gently(program: string, args: readonly string[], cwd: string): Command {
  if (process.platform === "win32") return { program, args, cwd };
  return { program: "nice", args: ["-n", "10", program, ...args], cwd };
}

/** As many compilers as cores, but no more than the memory holds: some of llama.cpp's files take two gigabytes. */
export const defaultJobs = (): number =>
  Math.max(1, Math.min(os.availableParallelism(), Math.floor(os.freemem() / (2 * 1024 ** 3))));

async function* told(output: AsyncGenerator<string, void, void>): AsyncGenerator<HandlerEvent, void, void> {
  let percent = 0;
  for await (const line of output) {
    if (line.trim() !== "") yield narrate("hive", "build_log", line);
    const now = percentOf(line);
    if (now === undefined || now <= percent) continue;
    percent = now;
    yield { type: "progress", done: percent, total: 100, unit: "percent" };
  }
}

/** `[ 42%]` by make, `[42/100]` by ninja. */
function percentOf(line: string): number | undefined {
  const { percent, done, all } = /^\[(?:\s*(?<percent>\d+)%|(?<done>\d+)\/(?<all>\d+))\]/.exec(line)?.groups ?? {};
  if (percent !== undefined) return Math.min(100, Number(percent));
  return done === undefined ? undefined : Math.min(100, Math.floor((Number(done) / Number(all)) * 100));
}
