import type { JobEvent, OperationRequest } from "@rbee/contracts";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BEE_TINY, House } from "./house.ts";
import { descendants, freeze, thaw } from "./process.ts";
import { endless, long } from "./prompts.ts";

/** Time enough for the longest answer here, and more than anybody waits for a test. */
const LONG_S = "600";
const HIVE = ["--model-file", BEE_TINY, "--preload", "bee-tiny", "--slots", "1"];

let house: House;
beforeEach(async () => {
  house = await House.open();
});
afterEach(() => house.close());

/** Submits, and waits until it says something. */
async function speaking(input: OperationRequest<"infer">) {
  const job = await house.client().start("infer", input);
  const spoke = Promise.withResolvers<void>();
  const events: JobEvent[] = [];
  const ended = (async () => {
    for await (const { event } of job.events()) {
      events.push(event);
      if (event.type === "token") spoke.resolve();
    }
  })();
  await spoke.promise;
  return { job, events, ended };
}

const isDraining = (hive_id: string): Promise<void> =>
  expect.poll(async () => (await house.client().run("hive_get", { hive_id })).hive.draining).toBe(true);

test("[AGENT-21] a hive that is told to stop ends what it has begun and leaves; what waits goes to the other", async () => {
  await house.startHive("leaver", [...HIVE, "--drain", LONG_S]);
  await house.startHive("stayer", HIVE);
  const client = house.client();
  const running = async (hive_id: string) => {
    const job = await client.start("infer", { ...long, hive_id });
    await expect.poll(async () => (await client.get(job.id)).state).toBe("running");
    return job;
  };
  const told = async () => {
    const [busy, begun] = [await running("stayer"), await running("leaver")];
    const queued = await client.start("infer", { ...long, max_tokens: 8 });
    expect(await client.get(queued.id)).toMatchObject({ state: "queued" });
    const left = house.hive("leaver").kill("SIGTERM");
    await isDraining("leaver");
    const late = await client.start("infer", { ...long, max_tokens: 8 });
    return { busy, begun, queued, late, left };
  };
  // Frozen: none is through with its answer before the hive is told.
  const engines = ["leaver", "stayer"].flatMap((name) => descendants(house.hive(name).pid));
  freeze(engines);
  const { busy, begun, queued, late, left } = await told().finally(() => thaw(engines));
  expect(await begun.result()).toMatchObject({ hive_id: "leaver", finish_reason: "length" });
  await left;
  expect(await house.hive("leaver").exited).toBe(0);
  expect(await busy.result()).toMatchObject({ hive_id: "stayer" });
  for (const job of [queued, late]) expect(await job.result()).toMatchObject({ hive_id: "stayer" });
  expect(await client.get(begun.id)).toMatchObject({ state: "succeeded", dispatches: 1 });
});

test("[AGENT-21] what does not end in time is given back with a typed end; the agent still leaves in order", async () => {
  await house.startHive("leaver", [...HIVE, "--drain", "0.5"]);
  const { job, ended } = await speaking({ ...endless, hive_id: "leaver" });
  await house.hive("leaver").kill("SIGTERM");
  expect(await house.hive("leaver").exited).toBe(0);
  await ended;
  await expect(job.result()).rejects.toMatchObject({ code: "hive_lost" });
});

test("[AGENT-21] a second signal hurries it", async () => {
  await house.startHive("leaver", [...HIVE, "--drain", LONG_S]);
  const { job } = await speaking({ ...endless, hive_id: "leaver" });
  const { pid } = house.hive("leaver");
  process.kill(pid, "SIGTERM");
  await isDraining("leaver");
  await house.hive("leaver").kill("SIGTERM");
  expect(await house.hive("leaver").exited).toBe(0);
  await expect(job.result()).rejects.toMatchObject({ code: "hive_lost" });
});
