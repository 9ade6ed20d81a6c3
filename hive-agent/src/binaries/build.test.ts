import type { HandlerEvent } from "@rbee/contracts";
import { execFileSync } from "node:child_process";
import { readdirSync, readlinkSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { failureOf, never } from "../workers/testing.ts";
import { build } from "./build.ts";
import { EngineStore } from "./store.ts";
import { missingTools } from "./toolchain.ts";

/** A project of a few lines stands for llama.cpp: git, cmake and the compiler are real. */
const project = `cmake_minimum_required(VERSION 3.14)
project(tiny CXX)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY \${CMAKE_BINARY_DIR}/bin)
add_executable(llama-server main.cpp)
`;
const slow = `add_custom_target(wait COMMAND sh \${CMAKE_SOURCE_DIR}/wait.sh)
add_dependencies(llama-server wait)
`;
const wait = "sleep 600 &\nsleep 600\n";

let folder: string;
let store: EngineStore;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "rbee-build-"));
  store = new EngineStore(folder, { bundled: false });
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

async function source(files: Readonly<Record<string, string>>) {
  const bundle = path.join(folder, "source");
  await mkdir(bundle);
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(bundle, name), text);
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=x", "-c", "user.email=x@x", "-C", bundle, ...args], { stdio: "ignore" });
  git("init", "--quiet");
  git("add", ".");
  git("commit", "--quiet", "--message", "x");
  // Only what fits this agent is an engine of it.
  return { bundle, version: "v0.5.0" };
}

async function run(steps: AsyncGenerator<HandlerEvent, unknown, void>, onEvent?: (event: HandlerEvent) => void) {
  const events: HandlerEvent[] = [];
  for (;;) {
    const next = await steps.next();
    if (next.done === true) return { events, result: next.value };
    events.push(next.value);
    onEvent?.(next.value);
  }
}

/** Processes that work in the folder of this test. */
const processes = (): string[] =>
  readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/cwd`).startsWith(folder);
    } catch {
      return false;
    }
  });
const left = async () => (await readdir(store.folder)).filter((name) => name.startsWith(".new-"));

const here = (await missingTools("cpu")).length === 0;

test.runIf(here)("a build tells its steps and its log, and leaves the program and nothing else", async () => {
  const plan = {
    backend: "cpu",
    jobs: 1,
    source: await source({ "CMakeLists.txt": project, "main.cpp": "int main() {}\n" }),
  } as const;
  const { events, result } = await run(build(store, plan, never));
  const said = events.flatMap((event) => (event.type === "narration" ? [event.human] : []));
  expect(said).toEqual(expect.arrayContaining(["Configuring", expect.stringContaining("Building CXX object")]));
  expect(events).toContainEqual({ type: "progress", done: 100, total: 100, unit: "percent" });
  expect(result).toMatchObject({ worker_type: "llama-server", backend: "cpu", bundled: false });
  const { path: program } = result as { path: string };
  execFileSync(program);
  expect(await readdir(path.dirname(program))).toEqual(["llama-server"]);
  expect(await left()).toEqual([]);
  expect(store.find("llama-server")).toEqual(result);
});

test.runIf(here)("[WORK-8] a build that fails says the compiler's last lines", async () => {
  const files = { "CMakeLists.txt": project, "main.cpp": "int main() { return honey; }\n" };
  const plan = { backend: "cpu", jobs: 1, source: await source(files) } as const;
  const failed = await failureOf(run(build(store, plan, never)));
  expect(failed.code).toBe("build_failed");
  expect(failed.message).toContain("honey");
  expect(await left()).toEqual([]);
  expect(store.find("llama-server")).toBeUndefined();
});

test.runIf(here && process.platform === "linux")(
  "[WORK-8] cancel ends every process of the build before it returns",
  async () => {
    const files = { "CMakeLists.txt": project + slow, "main.cpp": "int main() {}\n", "wait.sh": wait };
    const plan = { backend: "cpu", jobs: 1, source: await source(files) } as const;
    const cancel = new AbortController();
    let seen: string[] = [];
    const failed = await failureOf(
      run(build(store, plan, cancel.signal), ({ type, ...event }) => {
        if (type !== "narration" || !("human" in event) || !event.human.startsWith("Compiling")) return;
        void expect
          .poll(() => processes().length, { timeout: 20_000 })
          .toBeGreaterThan(3)
          .then(() => {
            seen = processes();
            cancel.abort(new Error("not now"));
          });
      }),
    );
    expect(failed.message).toBe("not now");
    expect(seen.length).toBeGreaterThan(3);
    expect(processes()).toEqual([]);
    expect(await left()).toEqual([]);
  },
);

test("without its tools nothing is begun, and what is missing is said", async () => {
  const PATH = process.env["PATH"];
  process.env["PATH"] = folder;
  const failed = await failureOf(run(build(store, { backend: "cpu", jobs: 1 }, never)));
  process.env["PATH"] = PATH;
  expect(failed).toMatchObject({ code: "build_failed" });
  expect(failed.message).toMatch(/lacks git, cmake, make or ninja, a C\+\+ compiler/);
});
