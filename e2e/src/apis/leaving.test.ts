import { limits } from "@rbee/contracts";
import OpenAI, { APIUserAbortError } from "openai";
import { describe, expect } from "vitest";
import { textOf } from "../chaos/text.ts";
import { pacedRequest, startPaced } from "../fleet/paced.ts";
import { LATE_MS } from "../../../contracts/src/testing/late.ts";
import { ask, busy, long, model, stopsInTime, test } from "./testing.ts";

/** What becomes of a request whose client goes. [API-1] */

/** Goes on until somebody ends it, on a real model. */
const endless = {
  model,
  messages: ask("List bees"),
  temperature: 0,
  response_format: { type: "json_schema" as const, json_schema: { name: "bees", strict: true, schema: long } },
};

test("a stream stops the engine", async ({ openai, house }) => {
  await stopsInTime(house, async () => {
    const stream = await openai.chat.completions.create({ ...endless, stream: true });
    for await (const { choices } of stream) if (choices[0]?.delta.content !== "") break;
  });
});

test("an answer that is waited for stops the engine", async ({ openai, house }) => {
  await stopsInTime(house, async () => {
    const abort = new AbortController();
    const run = openai.chat.completions.create(endless, { signal: abort.signal });
    await expect.poll(async () => busy(house), { interval: 20 }).toBe(1);
    abort.abort();
    await expect(run).rejects.toBeInstanceOf(APIUserAbortError);
  });
});

describe("a client that may come back", () => {
  const EVERY_MS = 100;
  /** Half as long again as the grace: who was taken for gone does not see its end. */
  const TOKENS = (1.5 * limits.api_grace_ms) / EVERY_MS;
  const request = (seed: number) => ({ ...pacedRequest(seed, TOKENS, EVERY_MS), stream: true as const });

  /** Reads the first token and leaves. @returns the job, and when it was left */
  async function glance(openai: OpenAI, seed: number, headers: Record<string, string>) {
    const { data, response } = await openai.completions.create(request(seed), { headers }).withResponse();
    for await (const { choices } of data) if (choices[0]?.text !== "") break;
    return { job_id: response.headers.get("x-rbee-job-id") ?? "", left: performance.now() };
  }

  test("has its grace and no more; one that came back in time is answered whole", async ({ openai, house }) => {
    await startPaced(house, "paced", 2);
    const named = { "idempotency-key": crypto.randomUUID() };
    const [gone, away] = await Promise.all([
      glance(openai, 1, { "x-rbee-resumable": "true" }),
      glance(openai, 2, named),
    ]);
    const back = (async () => {
      const again = await openai.completions.create(request(2), { headers: named }).withResponse();
      expect(again.response.headers.get("x-rbee-job-id")).toBe(away.job_id);
      let text = "";
      for await (const { choices } of again.data) text += choices[0]?.text ?? "";
      expect(performance.now() - away.left).toBeGreaterThan(limits.api_grace_ms);
      expect(text).toBe(textOf(2, TOKENS));
    })();
    // It is looked at, not read: whoever reads it keeps it alive.
    const client = house.client();
    const stateOf = async (id: string) => (await client.get(id)).state;
    await expect.poll(() => stateOf(gone.job_id), { timeout: 30_000, interval: 50 }).not.toBe("running");
    const lasted = performance.now() - gone.left;
    expect(await stateOf(gone.job_id)).toBe("cancelled");
    expect(lasted).toBeGreaterThan(limits.api_grace_ms - EVERY_MS);
    expect(lasted).toBeLessThan(limits.api_grace_ms + LATE_MS);
    await back;
    expect(await stateOf(away.job_id)).toBe("succeeded");
  });
});
