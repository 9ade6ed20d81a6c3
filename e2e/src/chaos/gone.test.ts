import { afterAll, beforeAll, expect, test } from "vitest";
import { best, LATE_MS } from "../../../contracts/src/testing/late.ts";
import { ChaosProxy } from "./proxy/proxy.ts";
import { Watched } from "./watched.ts";
import { until, World } from "./world.ts";

/** Promised to whoever reads: that the hive is away, when its sockets broke; and how the job ended, however it was lost. */
const AWAY_WITHIN_MS = 2_000;
const END_WITHIN_MS = 35_000;
const TEST_MS = 240_000;

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(async () => expect(await world.close()).toEqual([]));

test(
  "with on_lost: continue another hive goes on, and the text is what one hive would have said",
  { timeout: TEST_MS },
  async () => {
    await Promise.all([world.startHive("bee"), world.startHive("wasp")]);
    const job = await Watched.start(world, { tokens: 400, every: 50, on_lost: "continue" });
    await job.more(20);
    const { hive_id = "" } = await job.view();
    await world.house.hive(hive_id).kill("SIGKILL");
    expect(await job.judged()).toEqual([]);
    expect(await job.view()).toMatchObject({ state: "succeeded", dispatches: 2 });
    expect(job.events()).toContainEqual(expect.objectContaining({ type: "attempt", attempt: 2 }));
  },
);

test(
  "a hive that was killed is told of within 2 s, and its job has a typed end within 35 s",
  { timeout: TEST_MS },
  async () => {
    await best(AWAY_WITHIN_MS, async () => {
      await world.startHive("ant");
      const job = await Watched.start(world, { tokens: 4_000, every: 20, hive: "ant" });
      await job.more(20);
      const began = performance.now();
      await world.house.hive("ant").kill("SIGKILL");
      const { notices } = job.reader;
      await until(
        () => notices.length,
        (told) => told > 0,
        END_WITHIN_MS,
      );
      expect(JSON.parse(notices[0] ?? "{}")).toMatchObject({ type: "narration", action: "hive_away" });
      const away_ms = performance.now() - began;
      await job.over;
      expect(performance.now() - began).toBeLessThan(END_WITHIN_MS + LATE_MS);
      expect(job.events().at(-1)).toMatchObject({ type: "error", code: "hive_lost" });
      expect(await job.judged(["hive_gone"])).toEqual([]);
      return away_ms;
    });
  },
);

test("a hive that is gone without a word: a typed end within 35 s", { timeout: TEST_MS }, async () => {
  const proxy = await ChaosProxy.to(Number(new URL(world.house.url).port));
  await world.startHive("asp", 4, proxy.port);
  const job = await Watched.start(world, { tokens: 4_000, every: 20, hive: "asp" });
  await job.more(20);
  proxy.swallow();
  const began = performance.now();
  await world.house.hive("asp").kill("SIGKILL");
  await job.over;
  expect(performance.now() - began).toBeLessThan(END_WITHIN_MS + LATE_MS);
  expect(await job.judged(["hive_gone"])).toEqual([]);
  // Whether she was told or takes its control line for a good one: another hive has the job.
  await world.startHive("hornet");
  const next = await Promise.all([1, 2, 3].map(() => Watched.start(world, { tokens: 50, every: 5 })));
  for (const one of next) expect(await one.judged()).toEqual([]);
  proxy.close();
});
