import type { JobEvent } from "@rbee/contracts";
import type { JobClient } from "@rbee/sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { House } from "./house.ts";
import { LATE_MS } from "../../contracts/src/testing/late.ts";
import { freeze, thaw } from "./process.ts";
import { long } from "./prompts.ts";
import { runInSlices } from "./slices.ts";

/** Promised to whoever reads the answer of a hive that is gone. */
const TOLD_WITHIN_MS = 35_000;

let house: House;
let expected: string;

beforeAll(async () => {
  house = await House.open();
  await house.startHive("den");
  expected = (await house.client().run("infer", long)).text;
});
afterAll(() => house.close());

/** Runs the long request and breaks something once the text has begun. @returns what the client saw, in order */
async function runAndBreak(client: JobClient, breakIt: () => Promise<void> | void): Promise<string> {
  let broken: Promise<void> | undefined;
  let text = "";
  const positions: string[] = [];
  const result = await client.run("infer", long, {
    onEvent: (event: JobEvent, position) => {
      if (event.type !== "token") return;
      positions.push(position);
      text += event.text;
      broken ??= Promise.resolve(breakIt());
    },
  });
  await broken;
  expect(new Set(positions).size).toBe(positions.length);
  expect(result.text).toBe(text);
  return text;
}

describe("no token is lost, doubled or reordered", () => {
  test("when the reader's connection is cut", async () => {
    expect(await runAndBreak(house.client(house.clientLine.url), () => house.clientLine.cut())).toBe(expected);
  });

  test("when lane and control socket are cut", async () => {
    expect(await runAndBreak(house.client(), () => house.hiveLine.cut())).toBe(expected);
  });

  test("when lane and control socket stay away for a while", async () => {
    const broken = async () => {
      house.hiveLine.break();
      // Something else goes through the queen meanwhile; then the way is free again.
      await house.client().run("hive_list", {});
      house.hiveLine.mend();
    };
    expect(await runAndBreak(house.client(), broken)).toBe(expected);
  });

  test("when the agent is killed and starts again: the engine went on, the new agent takes it up", async () => {
    const killed = async () => {
      await house.hive("den").kill("SIGKILL");
      await house.startHive("den");
    };
    expect(await runAndBreak(house.client(), killed)).toBe(expected);
  });

  test("when the queen is killed and starts again", async () => {
    const killed = async () => {
      await house.killQueen();
      await house.startQueen();
    };
    expect(await runAndBreak(house.client(), killed)).toBe(expected);
  });
});

describe("what cannot go on ends with a typed error", () => {
  test("the worker is killed: its job fails with the reason, the agent lives on and starts another", async () => {
    const client = house.client();
    // A lane is back before its hive is: what was broken before may have ended without it.
    await expect.poll(async () => (await client.run("hive_get", { hive_id: "den" })).hive.connected).toBe(true);
    const { workers } = await client.run("worker_process_list", { hive_id: "den" });
    const pid = workers[0]?.pid ?? 0;
    let killed = false;
    // It is not through with its answer before the first word of it was seen.
    freeze([pid]);
    const broken = runAndBreak(client, () => {
      killed = process.kill(pid, "SIGKILL");
    });
    const slices = runInSlices([pid], () => killed);
    await Promise.all([expect(broken).rejects.toMatchObject({ code: "worker_died" }), slices]).finally(() =>
      thaw([pid]),
    );
    const again = await client.run("infer", { model: "bee-tiny", prompt: "Hello!", temperature: 0 });
    expect(again.text).toContain("demo model");
  });

  test("the hive is gone for good: the client is told within 35 s", async () => {
    let killedAt = Infinity;
    const killed = async () => {
      killedAt = performance.now();
      await house.hive("den").kill("SIGKILL");
    };
    await expect(runAndBreak(house.client(), killed)).rejects.toMatchObject({ code: "hive_lost" });
    expect(performance.now() - killedAt).toBeLessThan(TOLD_WITHIN_MS + LATE_MS);
  });
});

test("with every hive off a job waits, outlives a restart of the queen, and runs when a hive dials in", async () => {
  const client = house.client();
  const { job_id } = await client.submit("infer", { model: "bee-tiny", prompt: "Hello!", temperature: 0 });
  expect(await client.get(job_id)).toMatchObject({ state: "queued", position: 1 });
  await house.killQueen();
  await house.startQueen();
  expect(await client.get(job_id)).toMatchObject({ state: "queued", position: 1 });
  await house.startHive("den");
  const events: JobEvent[] = [];
  for await (const { event } of client.stream(job_id)) events.push(event);
  expect(events[0]).toMatchObject({ type: "state", state: "queued" });
  expect(events.at(-1)).toMatchObject({ type: "result" });
});
