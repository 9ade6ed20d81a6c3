import type { Device } from "@rbee/contracts";
import { Device as DeviceSchema } from "@rbee/contracts";
import { expect, test } from "vitest";
import { chooseDevice, engineInstalled, parseNvidia, probeDevices } from "./devices.ts";

const device = (id: string, kind: Device["kind"]): Device => ({
  id,
  kind,
  name: id,
  memory_total_bytes: 2,
  memory_free_bytes: 1,
});
const fleet = [device("cuda:0", "cuda"), device("cuda:1", "cuda"), device("cpu", "cpu")];
const all = () => true;
const onlyCpu = (kind: Device["kind"]) => kind === "cpu";

test("this machine has a CPU, and an engine for it", async () => {
  const devices = await probeDevices();
  expect(devices.at(-1)).toMatchObject({ id: "cpu", kind: "cpu" });
  for (const one of devices) expect(DeviceSchema.safeParse(one).success).toBe(true);
  expect(engineInstalled("cpu")).toBe(true);
});

test("auto takes the first device that has an engine", () => {
  expect(chooseDevice({ worker: "auto", device: "auto" }, fleet, all).id).toBe("cuda:0");
  expect(chooseDevice({ worker: "auto", device: "auto" }, fleet, onlyCpu).id).toBe("cpu");
});

test.each([
  ["auto", "cuda:1", "cuda:1"],
  ["auto", "1", "cuda:1"],
  ["auto", "cuda", "cuda:0"],
  ["cuda", "auto", "cuda:0"],
  ["cpu", "auto", "cpu"],
  ["auto", "cpu:0", "cpu"],
] as const)("worker %s, device %s is %s", (worker, name, id) => {
  expect(chooseDevice({ worker, device: name }, fleet, all).id).toBe(id);
});

test("an absent device and an absent engine are two different errors", () => {
  const absent = () => chooseDevice({ worker: "auto", device: "cuda:7" }, fleet, all);
  expect(absent).toThrow(expect.objectContaining({ code: "no_such_device" }) as Error);
  expect(absent).toThrow("cuda:0, cuda:1, cpu");
  expect(() => chooseDevice({ worker: "vulkan", device: "auto" }, fleet, all)).toThrow("vulkan");
  const noEngine = () => chooseDevice({ worker: "cuda", device: "auto" }, fleet, onlyCpu);
  expect(noEngine).toThrow(expect.objectContaining({ code: "unsupported" }) as Error);
});

test("what nvidia-smi says, and what it says when something is off", () => {
  const csv = "0, NVIDIA H200, 143771, 143000\n1, NVIDIA H200 MIG, [N/A], [N/A]\n\ngarbage\n";
  expect(parseNvidia(csv)).toEqual([
    {
      id: "cuda:0",
      kind: "cuda",
      name: "NVIDIA H200",
      memory_total_bytes: 143771 * 1024 ** 2,
      memory_free_bytes: 143000 * 1024 ** 2,
    },
  ]);
});
