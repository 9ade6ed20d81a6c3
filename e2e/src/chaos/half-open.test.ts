import { once } from "node:events";
import { limits } from "@rbee/contracts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LATE_MS } from "../../../contracts/src/testing/late.ts";
import { Watched } from "./watched.ts";
import { inTime, World } from "./world.ts";

/** What the protocol promises. */
const FOUND_WITHIN_MS = limits.link_ping_ms + limits.link_pong_ms;

/** Leases and probes take their half minute; the rest is for machines that are slow to start things. */
const TEST_MS = 180_000;

let world: World;
beforeAll(async () => {
  world = await World.open();
  await world.startHive("ant");
});
afterAll(async () => expect(await world.close()).toEqual([]));

test("control and lane that died without a word are found, and the text is whole", { timeout: TEST_MS }, async () => {
  const job = await Watched.start(world, { tokens: 900, every: 40, hive: "ant" });
  await job.more(10);
  const links = world.proxy.links();
  expect(links.map(({ kind }) => kind).sort()).toEqual(["control", "lane"]);
  const began = performance.now();
  const given = links.map(async ({ near }) => (await once(near, "close"), performance.now() - began));
  world.proxy.swallow();
  for (const took of await inTime(Promise.all(given), "a line is believed in for ever"))
    expect(took).toBeLessThan(FOUND_WITHIN_MS + LATE_MS);
  expect(await job.judged()).toEqual([]);
  expect(await job.view()).toMatchObject({ state: "succeeded", dispatches: 1 });
});
