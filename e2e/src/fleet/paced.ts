import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promptOf } from "../chaos/text.ts";
import { BEE_TINY, type House } from "../house.ts";
import type { Program } from "../process.ts";

/** A model whose engine keeps a steady pace, however fast the machine: for what is about time. */
const PACED = "paced";

const AGENT = fileURLToPath(new URL("../chaos/agent.ts", import.meta.url));

export async function startPaced(house: House, name: string, slots: number): Promise<Program> {
  const file = join(house.home, `${PACED}.gguf`);
  // A worker is started with a model; this engine never opens it.
  if (!existsSync(file)) copyFileSync(BEE_TINY, file);
  const args = ["--model-file", file, "--preload", PACED, "--slots", String(slots)];
  return house.startHive(name, args, { script: AGENT });
}

/** Says `textOf(seed, tokens)`, a token each `every_ms`. */
export const pacedRequest = (seed: number, tokens: number, every_ms: number) => ({
  model: PACED,
  prompt: promptOf(seed, every_ms),
  max_tokens: tokens,
});
