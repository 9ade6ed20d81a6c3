import type { Device } from "@rbee/contracts";
import { z } from "zod";
import { ask } from "./ask.ts";

/*
 * AMD's own tools name the boards and know their memory. What computes on them is Vulkan, so that is the kind of device
 * they are; they are numbered in the tool's order, which is the bus's, as is the Vulkan driver's.
 */

const MB = 1024 * 1024;

export async function probeAmd(): Promise<Device[]> {
  const [described, used] = await Promise.all([
    ask("amd-smi", ["static", "--asic", "--vram", "--driver", "--json"]),
    ask("amd-smi", ["metric", "--mem-usage", "--json"]),
  ]);
  const devices = parseAmdSmi(described ?? "", used ?? "");
  if (devices.length > 0) return devices;
  const args = ["--showproductname", "--showmeminfo", "vram", "--showdriverversion", "--json"];
  return parseRocmSmi((await ask("rocm-smi", args)) ?? "");
}

const Amount = z.union([z.object({ value: z.number(), unit: z.string() }), z.string()]).optional();
const Gpu = z.object({
  gpu: z.int().min(0).max(63),
  asic: z
    .object({ market_name: z.string().optional(), target_graphics_version: z.string().optional() })
    .or(z.string())
    .optional(),
  vram: z.object({ size: Amount }).or(z.string()).optional(),
  driver: z.object({ version: z.string().optional() }).or(z.string()).optional(),
  mem_usage: z.object({ total_vram: Amount, free_vram: Amount, used_vram: Amount }).or(z.string()).optional(),
});

/** Output of `amd-smi static` and `amd-smi metric`, both as JSON. A board whose memory is not told cannot be judged. */
function parseAmdSmi(described: string, used: string): Device[] {
  const usage = new Map(gpusOf(used).map(({ gpu, mem_usage }) => [gpu, objectOf(mem_usage)]));
  return gpusOf(described).flatMap(({ gpu, asic, vram, driver }): Device[] => {
    const memory = usage.get(gpu);
    const total = bytesOf(memory?.total_vram) ?? bytesOf(objectOf(vram)?.size);
    const taken = bytesOf(memory?.used_vram);
    const free = bytesOf(memory?.free_vram) ?? (taken === undefined || total === undefined ? undefined : total - taken);
    if (total === undefined || free === undefined) return [];
    const details = { name: objectOf(asic)?.market_name, driver: objectOf(driver)?.version };
    return [board(gpu, { total, free }, { ...details, compute: objectOf(asic)?.target_graphics_version })];
  });
}

/** Older ones list the boards, newer ones put them under `gpu_data`; complaints may come first. */
function gpusOf(said: string): z.infer<typeof Gpu>[] {
  const parsed = parseJson(said);
  const Data = z.object({ gpu_data: z.array(z.unknown()) });
  const list = Array.isArray(parsed) ? (parsed as unknown[]) : (Data.safeParse(parsed).data?.gpu_data ?? []);
  return list.flatMap((one) => Gpu.safeParse(one).data ?? []);
}

const Card = z.record(z.string(), z.string());

/** Output of `rocm-smi --showproductname --showmeminfo vram --showdriverversion --json`. */
function parseRocmSmi(said: string): Device[] {
  const cards = z.record(z.string(), z.unknown()).safeParse(parseJson(said)).data ?? {};
  const driver = Card.safeParse(cards["system"]).data?.["Driver version"];
  return Object.entries(cards).flatMap(([key, value]): Device[] => {
    const number = /^card(\d{1,2})$/.exec(key)?.[1];
    const card = Card.safeParse(value).data;
    const total = Number(card?.["VRAM Total Memory (B)"] ?? Number.NaN);
    const used = Number(card?.["VRAM Total Used Memory (B)"] ?? Number.NaN);
    if (number === undefined || !Number.isSafeInteger(total) || !Number.isSafeInteger(used)) return [];
    const name = card?.["Card Series"] ?? card?.["Card series"] ?? card?.["Device Name"];
    const details = { name, driver, compute: card?.["GFX Version"] };
    return [board(Number(number), { total, free: total - used }, details)];
  });
}

function board(
  index: number,
  memory: { total: number; free: number },
  said: { name: string | undefined; driver: string | undefined; compute: string | undefined },
): Device {
  return {
    id: `vulkan:${index}`,
    kind: "vulkan",
    name: (known(said.name) ?? "AMD GPU").slice(0, 128),
    memory_total_bytes: memory.total,
    memory_free_bytes: Math.max(0, memory.free),
    ...(known(said.driver) === undefined ? {} : { driver: said.driver?.slice(0, 64) }),
    ...(known(said.compute) === undefined ? {} : { compute_capability: said.compute?.slice(0, 32) }),
  };
}

const known = (word: string | undefined): string | undefined => (word === "N/A" || word === "" ? undefined : word);
const objectOf = <T>(value: T | string | undefined): T | undefined => (typeof value === "string" ? undefined : value);

function bytesOf(amount: z.infer<typeof Amount>): number | undefined {
  if (typeof amount !== "object" || amount.value < 0) return undefined;
  return Math.round(amount.value * (/^G/i.test(amount.unit) ? 1024 * MB : MB));
}

function parseJson(said: string): unknown {
  try {
    return JSON.parse(said.slice(Math.max(0, said.search(/^[[{]/m)))) as unknown;
  } catch {
    return undefined;
  }
}
