import { cpSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Watched } from "./watched.ts";
import { inTime, World } from "./world.ts";

/** A lost term takes its half minute to be told. */
const TEST_MS = 180_000;

let world: World;
beforeAll(async () => {
  world = await World.open();
  await world.startHive("ant");
});
afterAll(async () => expect(await world.close()).toEqual([]));

test(
  "two agents with one credential do not fight: the newer stays, the older ends and says what to do",
  {
    timeout: TEST_MS,
  },
  async () => {
    const { house, proxy } = world;
    const original = house.hive("ant");
    const job = await Watched.start(world, { tokens: 400, every: 25, hive: "ant" });
    await job.more(20);
    // A disk that is copied while the machine runs.
    cpSync(house.homeOf("ant"), house.homeOf("copy"), { recursive: true });
    await world.startHive("copy");
    expect(await inTime(original.exited, "the older agent stays")).toBe(1);
    const { detail } = await original.said("refused");
    expect(detail).toMatch(/another agent connected.*join with a new token/);
    const [control, ...others] = proxy.links("control");
    expect(others).toEqual([]);
    // Its job has one end, whoever had it last; and the copy keeps the line it has.
    expect(await job.judged(["path_dead"])).toEqual([]);
    const next = await Watched.start(world, { tokens: 100, every: 10, hive: "ant" });
    expect(await next.judged()).toEqual([]);
    expect(proxy.links("control")).toEqual([control]);
  },
);
