import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promptOf } from "../chaos/text.ts";
import { BEE_TINY, type House } from "../house.ts";
import type { Program } from "../process.ts";

/** A model whose engine keeps a steady pace, however fast the machine: for what is about time. */
const PACED = "paced";

const AGENT = fileURLToPath(new URL("../chaos/agent.ts", import.meta.url));

/** A hive that has a model of that name, for the engine that computes nothing. */
function hiveWith(house: House, hive: { name: string; model: string; args: readonly string[] }): Promise<Program> {
  const file = join(house.home, `${hive.model}.gguf`);
  // A worker is started with a file; this engine never opens it.
  if (!existsSync(file)) copyFileSync(BEE_TINY, file);
  return house.startHive(hive.name, ["--model-file", file, ...hive.args], { script: AGENT });
}

export const startPaced = async (house: House, name: string, slots: number): Promise<Program> =>
  hiveWith(house, { name, model: PACED, args: ["--preload", PACED, "--slots", String(slots)] });

/** Nothing is loaded yet, and loading takes so long. @returns the model */
export async function startSlow(house: House, name: string, seconds: number): Promise<string> {
  const model = `slow-loads-${seconds}s`;
  await hiveWith(house, { name, model, args: ["--slots", "8"] });
  return model;
}

/** Says `textOf(seed, tokens)`, a token each `every_ms`. */
export const pacedRequest = (seed: number, tokens: number, every_ms: number) => ({
  model: PACED,
  prompt: promptOf(seed, every_ms),
  max_tokens: tokens,
});
