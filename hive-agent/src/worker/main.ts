import { limits } from "@rbee/contracts";
import { createInterface } from "node:readline";
import { useEngine } from "./engine-package.ts";
import { isOrphan } from "./orphan.ts";
import { EXIT_PORT_TAKEN, StartOptions, type Engine, type LoadHooks } from "./protocol.ts";
import { createWorkerServer, type WorkerServer, type WorkerState } from "./server.ts";

/*
 * A worker: one process, one model on one device. Start options come as one line on stdin; that stdin stays open for as
 * long as the agent lives. What nobody catches ends the process with exit code 1 and its stack on stderr.
 */

const ORPHAN_CHECK_MS = 1_000;

/** Runs a worker around any engine; the synthetic one of the benchmarks is started with this too. */
export async function runWorker(load: (options: StartOptions, hooks: LoadHooks) => Promise<Engine>): Promise<void> {
  let agentGoneAt: number | undefined;
  const options = await readStartOptions(() => (agentGoneAt ??= performance.now()));
  const state: WorkerState = { options, progress: 0, engine: undefined };
  const server = createWorkerServer(state);
  await listen(server, options.port);
  setInterval(() => {
    const agentGoneMs = agentGoneAt === undefined ? undefined : performance.now() - agentGoneAt;
    if (isOrphan({ agentGoneMs, idleMs: server.idleMs() }, options.orphan_ms)) process.exit(0);
  }, ORPHAN_CHECK_MS);
  try {
    state.engine = await load(options, { onProgress: (progress) => (state.progress = progress), log: boundedLog() });
  } catch (error) {
    // The last line a person reads after what the engine said; a stack would push that out of sight.
    process.stderr.write(`cannot load ${options.model}: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}

function readStartOptions(onAgentGone: () => void): Promise<StartOptions> {
  const lines = createInterface({ input: process.stdin });
  process.stdin.on("error", onAgentGone);
  return new Promise((resolve, reject) => {
    lines.on("close", () => {
      onAgentGone();
      reject(new Error("stdin closed before the start options came"));
    });
    lines.once("line", (line) => {
      const parsed = StartOptions.safeParse(JSON.parse(line));
      if (parsed.success) resolve(parsed.data);
      // The issues without the values: one of them is the token.
      else reject(new Error(`bad start options: ${parsed.error.issues.map(({ path }) => path.join(".")).join(", ")}`));
    });
  });
}

function listen({ http }: WorkerServer, port: number): Promise<void> {
  return new Promise((resolve) => {
    http.once("error", (error: NodeJS.ErrnoException) => {
      process.stderr.write(`cannot listen on 127.0.0.1:${port}: ${error.message}\n`);
      process.exit(error.code === "EADDRINUSE" ? EXIT_PORT_TAKEN : 1);
    });
    http.listen(port, "127.0.0.1", resolve);
  });
}

/** stderr is a file that only this process writes to: bounded here, where it is filled. */
function boundedLog(): (message: string) => void {
  let left: number = limits.worker_log_bytes_max;
  return (message) => {
    left -= Buffer.byteLength(message) + 1;
    if (left > 0) process.stderr.write(`${message}\n`);
  };
}

if (import.meta.main) await runWorker(load);

/** Loads no more code than the engine needs. */
async function load(options: StartOptions, hooks: LoadHooks): Promise<Engine> {
  const { engine } = options;
  switch (engine.kind) {
    case "llama": {
      if (engine.engine !== undefined) useEngine(engine.engine);
      const { loadLlama } = await import("./llama.ts");
      return await loadLlama(engine, options, hooks);
    }
    case "llama-server": {
      const { startLlamaServer } = await import("./llama-server.ts");
      return await startLlamaServer(engine, options, hooks);
    }
    case "openai": {
      const { attach } = await import("./attached.ts");
      return await attach(engine, options);
    }
    case "synthetic":
      throw new Error("there is no such engine");
  }
}
