import { afterAll, beforeAll, expect, test } from "vitest";
import { Watched } from "./watched.ts";
import { inTime, World } from "./world.ts";

/** workerd takes messages of up to 32 MiB. */
const OVERSIZE = "x".repeat(33 * 1024 * 1024);

let world: World;
beforeAll(async () => {
  world = await World.open();
  await world.startHive("ant");
});
afterAll(async () => expect(await world.close()).toEqual([]));

const tooMuch = [
  ["a message over the protocol's bound", "x".repeat(2_000_000)],
  ["a message over what the runtime takes", OVERSIZE],
] as const;

test.each(tooMuch)("%s costs the lane it came on, and nobody else anything", async (_what, text) => {
  const [hit, other] = await Promise.all([
    Watched.start(world, { tokens: 400, every: 25, hive: "ant" }),
    Watched.start(world, { tokens: 400, every: 25, hive: "ant" }),
  ]);
  await Promise.all([hit.more(10), other.more(10)]);
  // The lanes of jobs before them may still be closing.
  await expect.poll(() => world.proxy.links("lane")).toHaveLength(2);
  const lane = world.proxy.links("lane").find(({ path }) => path.includes(hit.job_id));
  const others = world.proxy.links().filter((link) => link !== lane);
  expect(others.map(({ kind }) => kind).sort()).toEqual(["control", "lane"]);
  lane?.say(text);
  await other.more(50);
  expect(world.proxy.links()).toEqual(expect.arrayContaining(others));
  expect(await other.judged()).toEqual([]);
  expect(await hit.judged()).toEqual([]);
  expect(await hit.view()).toMatchObject({ state: "succeeded", dispatches: 1 });
});

test("on the control socket it costs that socket; jobs go on, and the hive comes back", async () => {
  const job = await Watched.start(world, { tokens: 400, every: 25, hive: "ant" });
  await job.more(10);
  const back = world.proxy.upgrade("control");
  world.proxy.links("control")[0]?.say(OVERSIZE);
  await inTime(back, "the hive did not come back");
  expect(await job.judged()).toEqual([]);
  expect(await job.view()).toMatchObject({ state: "succeeded" });
});
