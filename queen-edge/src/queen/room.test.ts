import type { Device, ModelInfo, WorkerInfo } from "@rbee/contracts";
import { expect, test } from "vitest";
import type { Hive } from "./fleet.ts";
import type { Want } from "./want.ts";
import { FleetView } from "./fleet-view.ts";
import { Occupancy } from "./occupancy.ts";
import { choose } from "./placement.ts";

const GIB = 1024 ** 3;
const device = (id: string, freeGib: number): Device => ({
  id,
  kind: id.split(":")[0] as Device["kind"],
  name: id,
  memory_total_bytes: 100 * GIB,
  memory_free_bytes: freeGib * GIB,
});
const bee = (gib: number): ModelInfo => ({
  id: "bee",
  name: "bee",
  size_bytes: gib * GIB,
  status: "ready",
  loaded: false,
});
const ready = (on: string): WorkerInfo => ({
  worker_id: "worker-x-9100",
  kind: "llama",
  model: "bee",
  device: on,
  state: "ready",
  slots: 1,
  context: 512,
  port: 9_100,
  pid: 1,
});

function hive(
  hive_id: string,
  devices: Device[],
  rest: { models?: ModelInfo[]; workers?: WorkerInfo[]; connected?: boolean } = {},
): Hive {
  const { models = [], workers = [], connected = true } = rest;
  const inventory = { version: "1", platform: "x", devices, models, workers, slots_default: 1 };
  return {
    hive_id,
    gen: 1,
    enrolled_at: 0,
    last_seen: 0,
    session: 1,
    connected,
    draining: false,
    labels: [],
    inventory,
  };
}

const choice = (hives: Hive[], wished = "auto") => {
  const room = { model: "bee", device: wished };
  const want: Want = { job_id: "j", operation: "model_run", submitted_at: 0, hive_id: "auto", offline: "wait", room };
  return choose(want, new FleetView(hives), { occupancy: new Occupancy() });
};
const placed = (hive_id: string) => ({ kind: "place", placement: { hive_id }, how: "hive" });

test("where it is loaded already, however little room is left", () => {
  const loaded = hive("loaded", [device("cuda:0", 1)], { workers: [ready("cuda:0")] });
  expect(choice([hive("roomy", [device("cuda:0", 90)]), loaded])).toEqual(placed("loaded"));
});

test("but only if it is loaded on the device that is wished for", () => {
  const elsewhere = hive("elsewhere", [device("cuda:0", 50), device("cpu", 9)], { workers: [ready("cpu")] });
  expect(choice([elsewhere, hive("roomy", [device("cuda:0", 90)])], "cuda")).toEqual(placed("roomy"));
});

test("where its file is, if there is room; else where there is room; the roomiest first", () => {
  const withFile = (freeGib: number) => hive("file", [device("cpu", freeGib)], { models: [bee(10)] });
  const roomy = hive("roomy", [device("cpu", 50)]);
  expect(choice([roomy, withFile(20)])).toEqual(placed("file"));
  expect(choice([withFile(5), roomy, hive("small", [device("cpu", 12)])])).toEqual(placed("roomy"));
});

test("a GPU with room comes before more memory without one", () => {
  expect(choice([hive("ram", [device("cpu", 90)]), hive("gpu", [device("cuda:0", 24), device("cpu", 1)])])).toEqual(
    placed("gpu"),
  );
  const full = hive("gpu", [device("cuda:0", 4), device("cpu", 1)]);
  const file = hive("file", [device("cpu", 90)], { models: [bee(10)] });
  expect(choice([full, file])).toEqual(placed("file"));
});

test("hives that are away do not count; none at all is waited for; a device that none has is refused", () => {
  const away = hive("away", [device("cuda:0", 90)], { connected: false });
  expect(choice([away, hive("here", [device("cpu", 1)])])).toEqual(placed("here"));
  expect(choice([away])).toEqual({ kind: "wait", reason: "no hive is connected" });
  expect(choice([hive("here", [device("cpu", 1)])], "cuda:3")).toMatchObject({ problem: { code: "no_such_device" } });
});
