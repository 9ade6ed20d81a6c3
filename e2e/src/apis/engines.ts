import { expect } from "vitest";
import type { House } from "../house.ts";

/** What a person feels as "at once", with a line between. */
const STOPPED_WITHIN_MS = 2_000;

/** Requests that engines work on. */
export async function busy(house: House): Promise<number> {
  const { workers } = await house.client().run("active_worker_list", {});
  return workers.reduce((sum, worker) => sum + worker.slots_busy, 0);
}

/** Every engine of the house comes to rest, in time. */
export async function stopsInTime(house: House): Promise<void> {
  const began = performance.now();
  await expect.poll(async () => busy(house), { timeout: 10_000, interval: 50 }).toBe(0);
  expect(performance.now() - began).toBeLessThan(STOPPED_WITHIN_MS);
}
