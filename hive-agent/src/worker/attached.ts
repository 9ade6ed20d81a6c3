import { limits } from "@rbee/contracts";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { ApiEngine } from "./api-engine.ts";
import { getJson, type ApiServer } from "./api.ts";
import type { Engine, EngineOptionsOf, StartOptions } from "./protocol.ts";

const Models = z.object({ data: z.array(z.object({ id: z.string() })).max(10_000) });

/**
 * Attaches to a server that runs already, and watches it: when it stays away this process ends, and says so. The server
 * itself is somebody else's and is only ever asked. [WORK-6]
 */
export async function attach({ url }: EngineOptionsOf<"openai">, options: StartOptions): Promise<Engine> {
  const base = url.replace(/\/+$/, "").replace(/\/v1$/, "");
  const server = { base, name: `the server at ${new URL(url).host}`, headers: {} };
  const served = await modelsOf(server);
  if (!served.includes(options.model)) {
    const SHOWN = 20;
    throw new Error(`${server.name} does not serve ${options.model}; it serves ${served.slice(0, SHOWN).join(", ")}`);
  }
  void watch(server);
  return new ApiEngine({ server, model: options.model, slots: options.slots, chat: true });
}

async function modelsOf(server: ApiServer): Promise<string[]> {
  const signal = AbortSignal.timeout(limits.worker_request_ms);
  const models = Models.safeParse(await getJson(server, "/v1/models", signal));
  if (!models.success) throw new Error(`${server.name} does not list its models`);
  return models.data.data.map(({ id }) => id);
}

async function watch(server: ApiServer): Promise<void> {
  for (let missed = 0; missed < limits.server_misses_max;) {
    await delay(limits.worker_poll_ms, undefined, { ref: false });
    missed = await modelsOf(server).then(
      () => 0,
      () => missed + 1,
    );
  }
  process.stderr.write(`${server.name} does not answer any more\n`);
  process.exit(1);
}
