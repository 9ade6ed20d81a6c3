import type { ApiKey, Device, Inventory, ModelInfo, WorkerInfo } from "@rbee/contracts";
import type { Hive } from "../queen/fleet.ts";
import type { Want } from "../queen/want.ts";

/** Parts of fleets for tests of the domain: sound ones, unless said otherwise. */

export const aWorker = (over: Partial<WorkerInfo> = {}): WorkerInfo => ({
  worker_id: "worker-llama-9100",
  kind: "llama",
  model: "bee",
  device: "cpu",
  state: "ready",
  slots: 2,
  context: 512,
  port: 9100,
  pid: 1,
  ...over,
});

export const aModel = (over: Partial<ModelInfo> = {}): ModelInfo => ({
  id: "bee",
  name: "bee",
  size_bytes: 1,
  status: "ready",
  loaded: true,
  ...over,
});

export const anInventory = (over: Partial<Inventory> = {}): Inventory => ({
  version: "1",
  platform: "test",
  devices: [],
  models: [aModel()],
  workers: [aWorker()],
  slots_default: 2,
  ...over,
});

/** One GPU. Sizes in bytes. */
export const aDevice = (free: number, total = free, id = "cuda:0"): Device => ({
  id,
  kind: "cuda",
  name: "A GPU",
  memory_total_bytes: total,
  memory_free_bytes: free,
});

export const aHive = (hive_id: string, inventory: Partial<Inventory> = {}, over: Partial<Hive> = {}): Hive => ({
  hive_id,
  gen: 1,
  enrolled_at: 0,
  last_seen: 0,
  session: 1,
  connected: true,
  draining: false,
  labels: [],
  inventory: anInventory(inventory),
  ...over,
});

export const aKey = (key_id: string, over: Partial<ApiKey> = {}): ApiKey => ({
  key_id,
  name: key_id,
  scope: "infer",
  created_at: 0,
  ...over,
});

let jobs = 0;
export const aWant = (over: Partial<Want> = {}): Want => ({
  job_id: `job-${++jobs}`,
  operation: "infer",
  submitted_at: 0,
  key_id: "owner",
  hive_id: "auto",
  model: "bee",
  offline: "wait",
  ...over,
});

/** Numbers from 0 to 1, the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
