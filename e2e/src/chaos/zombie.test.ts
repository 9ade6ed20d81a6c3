import type { JobEvent } from "@rbee/contracts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ChaosProxy } from "./proxy/proxy.ts";
import { Watched } from "./watched.ts";
import { inTime, until, World } from "./world.ts";

/** Until the agent that slept has been told off. */
const QUIET_WITHIN_MS = 30_000;

/** Leases and probes take their half minute; the rest is for machines that are slow to start things. */
const TEST_MS = 180_000;

let world: World;
let beeProxy: ChaosProxy;
beforeAll(async () => {
  world = await World.open();
  beeProxy = await ChaosProxy.to(Number(new URL(world.house.url).port));
  await world.startHive("ant");
});
afterAll(async () => {
  expect(await world.close()).toEqual([]);
  beeProxy.close();
});

test("an agent that slept through its lease writes nothing any more", { timeout: TEST_MS }, async () => {
  const job = await Watched.start(world, { tokens: 3_000, every: 30, hive: "ant" });
  await job.more(10);
  const [lane] = world.proxy.links("lane");
  // Some of its messages are on the way when it falls asleep, and arrive when its time is up.
  world.proxy.hold();
  await until(
    () => lane?.up?.waiting ?? 0,
    (waiting) => waiting > 3,
    QUIET_WITHIN_MS,
  );
  const { pid } = world.house.hive("ant");
  process.kill(pid, "SIGSTOP");
  await job.over;
  expect(job.events().at(-1)).toMatchObject({ type: "error", code: "hive_lost" });
  const log = await job.log();
  const before = lane?.up?.delivered ?? 0;
  world.proxy.release();
  expect(lane?.up?.delivered).toBeGreaterThan(before);
  process.kill(pid, "SIGCONT");
  // The next job of the same agent comes after everything it still had to say.
  const next = await Watched.start(world, { tokens: 20, every: 1, hive: "ant" });
  expect(await next.judged()).toEqual([]);
  await until(
    () => world.proxy.links("lane").length,
    (lanes) => lanes === 0,
    QUIET_WITHIN_MS,
  );
  expect(await job.log()).toEqual(log);
  expect(await job.judged(["path_dead"])).toEqual([]);
});

test("frames that arrive after the job was given to another hive count for nothing", { timeout: TEST_MS }, async () => {
  const other = await Watched.start(world, { tokens: 600, every: 50, hive: "ant" });
  await other.more(40);
  const lane = world.proxy.upgrade("lane");
  // What ant says to the job gets no further than the proxy; the queen waits for it in vain.
  world.proxy.hold(["up"]);
  const job = await Watched.start(world, { tokens: 300, every: 50 });
  await inTime(lane, "no lane was dialled");
  // The emptier of the two.
  await world.startHive("bee", 4, beeProxy.port);
  await job.more(20);
  const moves = job.events().filter(({ type }) => type === "state");
  expect(moves).toMatchObject([{ state: "queued" }, { state: "dispatched", hive_id: "bee" }]);
  world.proxy.release();
  expect(await job.judged()).toEqual([]);
  expect(await job.view()).toMatchObject({ state: "succeeded", hive_id: "bee", dispatches: 2 });
  expect(await other.judged()).toEqual([]);
  const tokens = job.reader.seen.filter(({ data }) => (JSON.parse(data) as JobEvent).type === "token");
  expect(new Set(tokens.map(({ position }) => position.split(".")[0]))).toEqual(new Set(["3"]));
});
