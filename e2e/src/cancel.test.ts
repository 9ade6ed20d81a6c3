import type { JobEvent } from "@rbee/contracts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Job } from "@rbee/sdk";
import { House } from "./house.ts";
import { best } from "../../contracts/src/testing/late.ts";
import { endless, long } from "./prompts.ts";

/** What a person feels as "at once". */
const STOPPED_WITHIN_MS = 1_000;

let house: House;
beforeAll(async () => {
  house = await House.open();
  await house.startHive("den");
});
afterAll(() => house.close());

async function cancelled(job: Job<"infer">): Promise<void> {
  await expect(job.result()).rejects.toMatchObject({ code: "cancelled" });
}

/** The engine has free slots again: it answers something new. */
async function engineIsIdle(): Promise<void> {
  const { text } = await house
    .client()
    .run("infer", { model: "bee-tiny", prompt: "Hello!", temperature: 0, max_tokens: 4 });
  expect(text).not.toBe("");
}

describe("cancelling stops the engine within a second", () => {
  test("in mid-stream", async () => {
    await best(STOPPED_WITHIN_MS, async () => {
      const job = await house.client().start("infer", endless);
      for await (const { event } of job.events()) if (event.type === "token") break;
      const began = performance.now();
      await job.cancel();
      await cancelled(job);
      return performance.now() - began;
    });
    await engineIsIdle();
  });

  test("before the first token", async () => {
    const job = await house.client().start("infer", { ...endless, prompt: "bee ".repeat(700) });
    await job.cancel();
    await cancelled(job);
    await engineIsIdle();
  });

  test("while queued, and the place goes to the next", async () => {
    const client = house.client();
    const busy = await Promise.all(Array.from({ length: 4 }, () => client.start("infer", endless)));
    const queued = await client.start("infer", endless);
    expect(await client.get(queued.id)).toMatchObject({ state: "queued", reason: "every slot of bee-tiny is busy" });
    await queued.cancel();
    await cancelled(queued);
    await Promise.all(busy.map((job) => job.cancel()));
    await Promise.all(busy.map(cancelled));
    await engineIsIdle();
    // A client has its answer a moment before the books have.
    await expect
      .poll(async () => (await client.run("active_worker_list", {})).workers)
      .toMatchObject([{ slots_busy: 0 }]);
  });
});

test("leaving a stream does not cancel", async () => {
  const job = await house.client().start("infer", long);
  for await (const { event } of job.events()) if (event.type === "token") break;
  // Somebody else comes later and finds it still running, then whole.
  let text = "";
  for await (const { event } of house.client().stream(job.id)) if (event.type === "token") text += event.text;
  expect(await job.result()).toMatchObject({ text, finish_reason: "length" });
});

describe("leaving a stream that asked for it", () => {
  const DISCONNECT_SEEN_WITHIN_MS = 2_000;

  /** @returns how long after it is seen by somebody who only looks on */
  async function cancelSeen(jobId: string): Promise<number> {
    const began = performance.now();
    let last: JobEvent | undefined;
    for await (const { event } of house.client().stream(jobId)) last = event;
    expect(last).toMatchObject({ type: "state", state: "cancelled" });
    return performance.now() - began;
  }

  test("cancels the job: the engine stops within two seconds", async () => {
    await best(DISCONNECT_SEEN_WITHIN_MS, async () => {
      const job = await house.client().start("infer", endless, { onDisconnect: "cancel" });
      for await (const { event } of job.events()) if (event.type === "token") break;
      return cancelSeen(job.id);
    });
    await engineIsIdle();
  });

  test("cancels it when the client's line breaks, too", async () => {
    const client = house.client(house.clientLine.url);
    await best(DISCONNECT_SEEN_WITHIN_MS, async () => {
      const job = await client.start("infer", endless, { onDisconnect: "cancel" });
      for await (const { event } of job.events()) {
        if (event.type !== "token") continue;
        house.clientLine.cut();
        break;
      }
      return cancelSeen(job.id);
    });
  });

  test("cancels nothing when it is another reader that leaves", async () => {
    const job = await house.client().start("infer", { ...endless, max_tokens: 200 }, { onDisconnect: "cancel" });
    const whole = job.result();
    for await (const { event } of house.client().stream(job.id)) if (event.type === "token") break;
    expect(await whole).toMatchObject({ finish_reason: "length" });
  });
});
