import { limits, RbeeError } from "@rbee/contracts";
import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { ApiEngine } from "./api-engine.ts";
import { getJson, type ApiServer } from "./api.ts";
import { confined } from "./confine.ts";
import type { Engine, EngineOptionsOf, LoadHooks, StartOptions } from "./protocol.ts";

/*
 * llama.cpp's own server as a child of this process: on a loopback port that the system chooses, behind a key that only
 * this process knows. It is in this process's group, so whatever ends the worker ends it too.
 */

/** @throws what the program said when it cannot load the model */
export async function startLlamaServer(
  engine: EngineOptionsOf<"llama-server">,
  options: StartOptions,
  hooks: LoadHooks,
): Promise<Engine> {
  const key = randomBytes(32).toString("base64url");
  const env = { ...process.env, LLAMA_API_KEY: key };
  const { program, args } = confined(engine.program, argumentsFor(engine, options), { dieWithParent: true });
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"], env });
  const base = await addressOf(child, hooks);
  const server = { base, name: "llama-server", headers: { authorization: `Bearer ${key}` } };
  await untilReady(server);
  endWith(child);
  return new ApiEngine({ server, model: options.model, slots: options.slots, chat: engine.chat });
}

const where = ["--host", "127.0.0.1", "--port", "0"];
const plain = ["--no-ui", "--no-slots", "--fit", "off"];

function argumentsFor({ path, backend }: EngineOptionsOf<"llama-server">, options: StartOptions): string[] {
  const { slots, context, threads, model } = options;
  const numbers = { parallel: slots, "ctx-size": slots * context, threads, "threads-batch": threads };
  const device = backend === "cpu" ? ["--device", "none"] : ["--n-gpu-layers", "999"];
  return [
    "--model",
    path,
    "--alias",
    model,
    ...where,
    ...Object.entries(numbers).flatMap(([name, value]) => [`--${name}`, String(value)]),
    ...device,
    ...plain,
  ];
}

/** Where it listens: it says so when the model is loaded. @throws Error when it ends before */
function addressOf(child: ChildProcess, hooks: LoadHooks): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  child.once("error", (error) => reject(new Error(`llama-server could not be started: ${error.message}`)));
  child.once("exit", (code, signal) => reject(new Error(`llama-server ended (${signal ?? `code ${code}`})`)));
  if (child.stderr === null) throw new Error("llama-server has no stderr");
  let loading = true;
  createInterface({ input: child.stderr }).on("line", (line) => {
    const listening = /listening on (?<url>http:\/\/127\.0\.0\.1:\d+)/.exec(line)?.groups?.["url"];
    // Once it runs, only its warnings and errors: it tells every request.
    if (loading || /^\S+ [WE] /.test(line)) hooks.log(line);
    if (listening === undefined) return;
    loading = false;
    resolve(listening);
  });
  return promise;
}

async function untilReady(server: ApiServer): Promise<void> {
  // The agent gives up on a worker that loads for too long.
  for (;;) {
    const signal = AbortSignal.timeout(limits.worker_request_ms);
    const healthy = await getJson(server, "/health", signal).then(
      () => true,
      (error: unknown) => {
        if (error instanceof RbeeError && error.code === "worker_busy") return false;
        throw error;
      },
    );
    if (healthy) return;
    await delay(limits.health_poll_ms);
  }
}

/** Neither lives without the other. */
function endWith(child: ChildProcess): void {
  child.once("exit", (code, signal) => {
    process.stderr.write(`llama-server ended (${signal ?? `code ${code}`})\n`);
    process.exit(1);
  });
}
