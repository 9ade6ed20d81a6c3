import OpenAI from "openai";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseExposition } from "../../../queen-edge/src/testing/exposition.ts";
import { answer, ask, question } from "../apis/testing.ts";
import { BEE_TINY, House } from "../house.ts";

/** Two real models on a machine that holds one of them: who makes room, and who does not. [EVICT-1] */

/** bee-tiny with the context of its four slots takes 25.4 MB. What is left would hold its file, so that only the hive knows better. [AGENT-24] */
const ROOM_FOR_ONE = 32_000_000;
const [one, other] = ["bee-tiny", "bee-other"] as const;

/** An answer that no model ends before it has said thousands of letters. */
const words = { type: "string", minLength: 900 };
const endless = { type: "object", properties: { a: words, b: words, c: words, d: words } };

let house: House;
let openai: OpenAI;
beforeAll(async () => {
  house = await House.open();
  const file = join(house.home, `${other}.gguf`);
  copyFileSync(BEE_TINY, file);
  await house.startHive("den", ["--model-file", BEE_TINY, "--model-file", file], {
    script: fileURLToPath(new URL("small-machine.ts", import.meta.url)),
    env: { RBEE_TEST_MEMORY: String(ROOM_FOR_ONE) },
  });
  openai = new OpenAI({ baseURL: `${house.url}/v1`, apiKey: house.key, maxRetries: 0 });
});
afterAll(() => house.close());

const chat = (model: string) =>
  openai.chat.completions.create({ model, messages: ask(question), temperature: 0 }).withResponse();
const said = async (model: string) => (await chat(model)).data.choices[0]?.message.content;
const loaded = async () => (await house.client().run("active_worker_list", {})).workers.map(({ model }) => model);
const evictions = async () => {
  const answered = await fetch(`${house.url}/metrics`, { headers: { authorization: `Bearer ${house.key}` } });
  return parseExposition(await answered.text()).valueOf("rbee_worker_stops_total", { reason: "evicted" });
};

test("an idle model makes room for the one that is asked for, and comes back when it is asked for", async () => {
  for (const [n, model] of [one, other, one].entries()) {
    expect(await said(model)).toBe(answer);
    await expect.poll(loaded).toEqual([model]);
    await expect.poll(evictions).toBe(n);
  }
});

test("a busy model does not: who asks for another one waits until it has ended", async () => {
  const TOKENS = 700;
  const busy = await openai.chat.completions
    .create({
      model: one,
      messages: ask(question),
      max_tokens: TOKENS,
      stream: true,
      stream_options: { include_usage: true },
      response_format: {
        type: "json_schema",
        json_schema: { name: "long", schema: endless },
      },
    })
    .withResponse();
  const chunks = busy.data[Symbol.asyncIterator]();
  await chunks.next();
  const waiting = chat(other);
  let last: OpenAI.ChatCompletionChunk | undefined;
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) last = next.value;
  expect(last?.usage?.completion_tokens).toBe(TOKENS);
  const { data, response } = await waiting;
  expect(data.choices[0]?.message.content).toBe(answer);
  const jobOf = async ({ headers }: Response) => house.client().get(headers.get("x-rbee-job-id") ?? "");
  const [first, second] = await Promise.all([jobOf(busy.response), jobOf(response)]);
  expect(second.submitted_at).toBeLessThan(first.finished_at ?? 0);
  expect(second.finished_at).toBeGreaterThan(first.finished_at ?? Infinity);
  await expect.poll(loaded).toEqual([other]);
});

test("a pinned model does not: who asks for another one is told who keeps what", async () => {
  await house.client().run("model_load", { hive_id: "den", id: one, pin: true });
  await expect(said(other)).rejects.toMatchObject({
    status: 409,
    code: "insufficient_memory",
    type: "invalid_request_error",
    message: expect.stringMatching(/bee-other needs about .* keeps .*pinned/) as string,
  });
  expect(await said(one)).toBe(answer);
  await expect.poll(loaded).toEqual([one]);
});
