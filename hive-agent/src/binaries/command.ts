import { limits, RbeeError } from "@rbee/contracts";
import { spawn, type ChildProcess } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { PassThrough } from "node:stream";
import { createInterface } from "node:readline";
import { cleanEnvironment } from "../workers/environment.ts";
import { signalGroup } from "../workers/process.ts";

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
}

const GROUP_POLL_MS = 20;
/** What compilers and their tools read. */
const compilers = ["CC", "CXX", "CFLAGS", "CXXFLAGS", "LDFLAGS", "CUDACXX", "CUDA_PATH", "VULKAN_SDK", "ProgramFiles"];

/**
 * Runs a program in a process group of its own and yields the lines it says; they are read no faster than they are
 * taken. When the signal is aborted, and when the iterator is closed, the whole group is gone before this returns.
 * @throws RbeeError build_failed with the last lines, or the signal's reason
 */
export async function* lines(command: Command, signal: AbortSignal): AsyncGenerator<string, void, void> {
  signal.throwIfAborted();
  const { program, args, cwd } = command;
  const child = spawn(program, args, {
    cwd,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: cleanEnvironment(compilers),
  });
  const ended = endOf(child);
  const output = outputOf(child);
  const reader = createInterface({ input: output });
  const onAbort = () => reader.close();
  signal.addEventListener("abort", onAbort, { once: true });
  // What a build leaves running may hold its output open; nobody waits for that.
  void ended.then(async () => delay(limits.stop_grace_ms, undefined, { ref: false })).then(onAbort);
  const last: string[] = [];
  try {
    for await (const line of reader) {
      const cut = line.slice(0, limits.build_line_chars_max);
      last.push(cut);
      if (last.length > limits.build_lines_kept) last.shift();
      yield cut;
    }
    signal.throwIfAborted();
    const problem = await ended;
    if (problem !== undefined) throw new RbeeError("build_failed", [`${program} ${problem}`, ...last].join("\n"));
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
    output.destroy();
    await endGroup(child, ended);
  }
}

/** Both streams as one, in the order in which they came. */
function outputOf({ stdout, stderr }: ChildProcess): PassThrough {
  const both = new PassThrough();
  let open = 2;
  for (const stream of [stdout, stderr]) {
    stream?.pipe(both, { end: false });
    stream?.once("close", () => {
      open -= 1;
      if (open === 0) both.end();
    });
  }
  both.once("close", () => {
    stdout?.destroy();
    stderr?.destroy();
  });
  return both;
}

function endOf(child: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(`could not be started: ${error.message}`));
    child.once("exit", (code, signal) => {
      if (code === 0) resolve(undefined);
      else resolve(signal === null ? `ended with code ${code}` : `was killed by ${signal}`);
    });
  });
}

/** Nothing of a build goes on without it: its compilers are ended with it, and waited for. [WORK-8] */
async function endGroup(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  const { pid } = child;
  if (pid === undefined) return;
  const running = child.exitCode === null && child.signalCode === null;
  if (running) {
    signalGroup(pid, "SIGTERM");
    await Promise.race([ended, delay(limits.stop_grace_ms, undefined, { ref: false })]);
  }
  // The leader may be gone and its children not: a group keeps its number as long as it has a member.
  if (hasGroup(pid)) signalGroup(pid, "SIGKILL");
  const deadline = performance.now() + limits.stop_grace_ms;
  while (hasGroup(pid) && performance.now() < deadline) await delay(GROUP_POLL_MS);
}

function hasGroup(pid: number): boolean {
  if (process.platform === "win32") return false;
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    return false;
  }
}
