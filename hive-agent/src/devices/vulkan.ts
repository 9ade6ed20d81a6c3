import type { Device } from "@rbee/contracts";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { EnginePackage } from "../worker/engine-package.ts";
import { ask } from "./ask.ts";

/** Renderers that compute on the CPU: the CPU's own engine is faster. */
const SOFTWARE = /llvmpipe|lavapipe|swiftshader|software/i;
/** Machines with more boards than this are not seen. */
const BOARDS_MAX = 8;

const VulkanState = z.object({
  names: z.array(z.string()).max(64),
  total: z.number().nonnegative(),
  free: z.number().nonnegative(),
});

const probe = fileURLToPath(new URL("vulkan-probe.ts", import.meta.url));

/**
 * The boards that the Vulkan engine finds, in its own order. It tells the memory of all it sees together, so it is asked
 * about each alone.
 */
export async function probeVulkan(engine: EnginePackage | undefined): Promise<Device[]> {
  if (engine === undefined) return [];
  const all = await stateOf(engine, undefined);
  if (all === undefined || all.names.length === 0) return [];
  const each = await Promise.all(
    all.names
      .slice(0, BOARDS_MAX)
      .map(async (_, index) => (all.names.length === 1 ? all : await stateOf(engine, index))),
  );
  return each.flatMap((state, index): Device[] => {
    const name = all.names[index] ?? "";
    if (state === undefined || state.total === 0 || SOFTWARE.test(name)) return [];
    const memory = { memory_total_bytes: Math.round(state.total), memory_free_bytes: Math.round(state.free) };
    return [{ id: `vulkan:${index}`, kind: "vulkan", name: name.slice(0, 128), ...memory }];
  });
}

async function stateOf(engine: EnginePackage, board: number | undefined) {
  const only = board === undefined ? {} : { GGML_VK_VISIBLE_DEVICES: String(board) };
  const env = { PATH: process.env["PATH"], HOME: process.env["HOME"], ...only };
  const said = await ask(process.execPath, [probe, JSON.stringify(engine)], env);
  try {
    return VulkanState.parse(JSON.parse(said ?? ""));
  } catch {
    return undefined;
  }
}
