import { Device as DeviceSchema, type Device } from "@rbee/contracts";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fittingDevices, probeDevices } from "./devices.ts";
import { processMemory } from "./nvidia.ts";
import { recorded } from "./testing-recorded.ts";

const MIB = 1024 ** 2;
const device = (id: string, kind: Device["kind"]): Device => ({
  id,
  kind,
  name: id,
  memory_total_bytes: 2,
  memory_free_bytes: 1,
});
const fleet = [device("cuda:0", "cuda"), device("cuda:1", "cuda"), device("cpu", "cpu")] as const;
const all = () => true;
const onlyCpu = (kind: Device["kind"]) => kind === "cpu";
const first = (...args: Parameters<typeof fittingDevices>) => fittingDevices(...args)[0].id;

describe("choosing", () => {
  test("auto takes the first device that has an engine, and has the others to fall back on", () => {
    expect(first({ worker: "auto", device: "auto" }, fleet, all)).toBe("cuda:0");
    expect(first({ worker: "auto", device: "auto" }, fleet, onlyCpu)).toBe("cpu");
    expect(fittingDevices({ worker: "auto", device: "auto" }, fleet, all)).toEqual(fleet);
  });

  test.each([
    ["auto", "cuda:1", "cuda:1"],
    ["auto", "1", "cuda:1"],
    ["auto", "cuda", "cuda:0"],
    ["cuda", "auto", "cuda:0"],
    ["cpu", "auto", "cpu"],
    ["cpu", "0", "cpu"],
    ["auto", "cpu:0", "cpu"],
  ] as const)("worker %s, device %s is %s", (worker, name, id) => {
    expect(first({ worker, device: name }, fleet, all)).toBe(id);
  });

  test("an absent device and an absent engine are two different errors", () => {
    const absent = () => first({ worker: "auto", device: "cuda:7" }, fleet, all);
    expect(absent).toThrow(expect.objectContaining({ code: "no_such_device" }) as Error);
    expect(absent).toThrow("cuda:0, cuda:1, cpu");
    expect(() => first({ worker: "vulkan", device: "auto" }, fleet, all)).toThrow("vulkan");
    const noEngine = () => first({ worker: "cuda", device: "auto" }, fleet, onlyCpu);
    expect(noEngine).toThrow(expect.objectContaining({ code: "unsupported" }) as Error);
  });
});

/** The makers' tools are programs on the PATH; these print what real ones printed on real boards. */
describe.skipIf(process.platform === "win32")("looking", () => {
  let folder: string;
  const path0 = process.env["PATH"];
  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "rbee-tools-"));
    process.env["PATH"] = `${folder}:${path0}`;
  });
  afterEach(async () => {
    process.env["PATH"] = path0;
    await rm(folder, { recursive: true, force: true });
  });

  const tool = async (name: string, script: string) => {
    await writeFile(path.join(folder, name), `#!/bin/sh\n${script}\n`);
    await chmod(path.join(folder, name), 0o755);
  };
  const printing = (text: string) => `cat <<'SAID'\n${text}\nSAID`;
  const gpus = async () => (await probeDevices()).filter(({ kind }) => kind !== "cpu");

  test("this machine has a CPU with its memory, and it is last", async () => {
    const devices = await probeDevices();
    const cpu = devices.at(-1);
    expect(cpu).toMatchObject({ id: "cpu", kind: "cpu", memory_total_bytes: os.totalmem() });
    expect(cpu?.memory_free_bytes).toBeGreaterThan(0);
    for (const one of devices) expect(DeviceSchema.safeParse(one).success).toBe(true);
  });

  test("NVIDIA boards, with driver and compute capability; one without its memory is left out", async () => {
    await tool("nvidia-smi", printing(recorded.nvidia));
    expect(await gpus()).toEqual([
      {
        id: "cuda:0",
        kind: "cuda",
        name: "NVIDIA GeForce RTX 4090",
        memory_total_bytes: 24_564 * MIB,
        memory_free_bytes: 23_028 * MIB,
        driver: "550.54.15",
        compute_capability: "8.9",
      },
      expect.objectContaining({ id: "cuda:1", name: "NVIDIA H200", compute_capability: "9.0" }),
    ]);
  });

  test("a driver that does not know the compute capability is asked again without it", async () => {
    const refuse =
      'case "$1" in *compute_cap*) echo "Field \\"compute_cap\\" is not a valid field to query."; exit 2;; esac';
    await tool("nvidia-smi", `${refuse}\n${printing("0, Tesla K80, 11441, 11438, 470.57.02")}`);
    const [board] = await gpus();
    expect(board).toMatchObject({ name: "Tesla K80", driver: "470.57.02" });
    expect(board).not.toHaveProperty("compute_capability");
  });

  test("GPU memory of processes", async () => {
    await tool("nvidia-smi", printing("4711, 5120\n4712, [N/A]\n\n"));
    expect([...(await processMemory())]).toEqual([[4711, 5120]]);
  });

  test("AMD boards by amd-smi", async () => {
    const [described, used] = [printing(recorded.amdStatic), printing(recorded.amdMetric)];
    await tool("amd-smi", `if [ "$1" = static ]; then\n${described}\nelse\n${used}\nfi`);
    expect(await gpus()).toEqual([
      {
        id: "vulkan:0",
        kind: "vulkan",
        name: "AMD Radeon AI PRO R9700",
        memory_total_bytes: 32_704 * MIB,
        memory_free_bytes: 32_000 * MIB,
        driver: "6.19.14",
        compute_capability: "gfx1201",
      },
    ]);
  });

  test("AMD boards by rocm-smi, where there is no amd-smi", async () => {
    await tool("rocm-smi", printing(recorded.rocm));
    expect(await gpus()).toEqual([
      {
        id: "vulkan:0",
        kind: "vulkan",
        name: "Radeon RX 7900 XT",
        memory_total_bytes: 21_458_059_264,
        memory_free_bytes: 21_458_059_264 - 27_856_896,
        driver: "6.10.5",
        compute_capability: "gfx1100",
      },
    ]);
  });

  test("a tool that fails, prints nonsense or hangs costs no more than its deadline", async () => {
    await tool("nvidia-smi", "exec sleep 600");
    await tool("amd-smi", 'echo \'{"gpu_data": [{"gpu": "x"}, 7, null]}\'');
    await tool("rocm-smi", "kill -SEGV $$");
    expect(await gpus()).toEqual([]);
  });
});
