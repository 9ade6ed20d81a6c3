import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { limits, type Heartbeat } from "@rbee/contracts";
import { beforeEach, describe, expect, test } from "vitest";
import { best } from "../../contracts/src/testing/late.ts";
import { anInventory } from "./testing/fleets.ts";
import { queen, SseReader, submit } from "./testing/queen-client.ts";
import { TestHive } from "./testing/test-hive.ts";

let hive: TestHive;
let hives = 0;

beforeEach(async () => {
  hive = await TestHive.enrol(`watched-hive-${++hives}`);
  await hive.connect();
});

const watch = async (): Promise<SseReader> => new SseReader(await queen("/v1/heartbeats/stream"));

/** Reads until a heartbeat fits; the newest word on each hive is kept meanwhile. */
async function until(reader: SseReader, fits: (heartbeat: Heartbeat) => boolean): Promise<Heartbeat> {
  for (;;) {
    const event = await reader.next();
    if (event === undefined) throw new Error("the stream ended");
    const heartbeat = JSON.parse(event.data) as Heartbeat;
    if (fits(heartbeat)) return heartbeat;
  }
}

const tells = (connected: boolean) => (heartbeat: Heartbeat) =>
  heartbeat.hives?.some((one) => one.hive_id === hive.hive_id && one.connected === connected) === true;

const watchers = (): Promise<number> =>
  runInDurableObject(env.REGISTRY.getByName("main"), (_object, ctx) => ctx.getWebSockets("watcher").length);

describe("[BEAT-1] a watcher", () => {
  test("is told everything first, then only what changed", async () => {
    const reader = await watch();
    const first = await until(reader, () => true);
    expect(Object.keys(first).toSorted()).toEqual(["hives", "jobs", "queue", "totals", "workers"]);
    hive.control.send({ t: "inventory", inventory: anInventory({ workers: [] }) });
    const next = await until(reader, ({ workers }) => workers !== undefined);
    expect(next.workers?.some(({ hive_id }) => hive_id === hive.hive_id)).toBe(false);
    expect(next.jobs).toBeUndefined();
    expect(next.hives?.length ?? 1).toBe(1);
    await reader.close();
  });

  test("sees a job come and end, and nothing of what it says", async () => {
    const reader = await watch();
    const secret = "a prompt that nobody else shall read";
    const id = await submit({ operation: "infer", model: "bee", prompt: secret, hive_id: hive.hive_id });
    const event = await until(reader, ({ jobs }) => jobs?.some(({ job_id }) => job_id === id) === true);
    expect(event.queue?.running).toBeGreaterThan(0);
    expect(JSON.stringify(event)).not.toContain(secret);
    await queen(`/v1/jobs/${id}`, { method: "DELETE" });
    await reader.close();
  });

  test("is told what all answers add up to, as each of them ends", async () => {
    const reader = await watch();
    const { totals } = await until(reader, () => true);
    const { lane } = await hive.start({ operation: "infer", model: "bee", prompt: "x", hive_id: hive.hive_id });
    const usage = { prompt_tokens: 2, cached_tokens: 0, completion_tokens: 7 };
    const result = { text: "", finish_reason: "stop", model: "bee", usage, timings: { generation_ms: 1 } };
    await lane.end(0, { status: "succeeded", result });
    const after = await until(reader, ({ totals }) => totals !== undefined);
    expect(after.totals?.completion_tokens).toBe((totals?.completion_tokens ?? 0) + 7);
    expect(after.totals?.first_tokens).toBe((totals?.first_tokens ?? 0) + 1);
    expect(after.totals?.ttft_s).toBeGreaterThanOrEqual(totals?.ttft_s ?? 0);
    await reader.close();
  });

  test("sees a hive that is gone within three seconds", async () => {
    const reader = await watch();
    await best(3_000, async () => {
      await until(reader, tells(true));
      const cutAt = Date.now();
      hive.control.socket.close(1011, "killed");
      await until(reader, tells(false));
      const took = Date.now() - cutAt;
      await hive.connect();
      return took;
    });
    await reader.close();
  });

  test("is told all that happened while it read nothing as one change", async () => {
    const reader = await watch();
    await until(reader, () => true);
    for (let slots = 1; slots <= 40; slots++)
      hive.control.send({
        t: "inventory",
        inventory: anInventory({ slots_default: slots, platform: `test-${slots}` }),
      });
    const platforms: (string | undefined)[] = [];
    await until(reader, ({ hives = [] }) => {
      const platform = hives.find(({ hive_id }) => hive_id === hive.hive_id)?.platform;
      platforms.push(platform);
      return platform === "test-40";
    });
    expect(platforms.length).toBeLessThan(20);
    await reader.close();
  });

  test("goes on after the registry has slept", async () => {
    const reader = await watch();
    await until(reader, tells(true));
    await evictDurableObject(env.REGISTRY.getByName("main"));
    hive.control.socket.close(1011, "killed");
    await until(reader, tells(false));
    await reader.close();
  });
});

test("who may not look is refused, and there is an end to how many may", async () => {
  const refused = await queen("/v1/heartbeats/stream", { headers: { authorization: "Bearer nobody" } });
  expect(refused.status).toBe(401);
  expect((await queen("/v1/heartbeats/stream", { method: "POST" })).status).toBe(405);
  const open = await watchers();
  const readers = await Promise.all(Array.from({ length: limits.watchers_max - open }, watch));
  const full = await queen("/v1/heartbeats/stream");
  expect(full.status).toBe(429);
  await full.body?.cancel();
  await Promise.all(readers.map((reader) => reader.close()));
});
