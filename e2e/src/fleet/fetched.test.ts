import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startHub, type TestHub } from "../../../hive-agent/src/models/testing/hub.ts";
import { answer, ask, question } from "../apis/testing.ts";
import { BEE_TINY, House } from "../house.ts";

/** A model that nobody has: one request fetches it, loads it and is answered. [PULL-1] */

const FETCHED = "org/bees:Q4_K_M";
let house: House;
let hub: TestHub;
beforeAll(async () => {
  hub = await startHub();
  hub.addRepo("org/bees", { "bees.Q4_K_M.gguf": readFileSync(BEE_TINY) }, { licence: "mit" });
  house = await House.open({ HF_ENDPOINT: hub.url });
});
afterAll(async () => {
  await house.close();
  await hub.close();
});

const chat = async (model: string) =>
  fetch(`${house.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${house.key}` },
    body: JSON.stringify({ model, messages: ask(question), temperature: 0, stream: true }),
  });

test("only where a hive's owner allows it", async () => {
  await house.startHive("den", []);
  const refused = await chat("org/bees");
  expect(refused.status).toBe(404);
  expect(await refused.json()).toMatchObject({ error: { code: "model_not_found" } });
  await house.hive("den").kill("SIGTERM");
});

test("comments keep the line alive meanwhile, and the job's log has the progress", async () => {
  await house.startHive("burrow", [], { env: { RBEE_PULL: "1" } });
  const held = Promise.withResolvers<void>();
  const before = hub.sent;
  hub.onPiece = async () => {
    if (hub.sent - before > 1_000_000) await held.promise;
  };
  const response = await chat("org/bees");
  expect(response.status).toBe(200);
  const reader = (response.body ?? expect.fail("no body")).pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const read = async () => {
    const { value, done } = await reader.read();
    text += value ?? "";
    return !done;
  };
  await read();
  expect(text).toMatch(/^(: keep-alive\n\n)+$/);
  held.resolve();
  while (await read());
  const data = text
    .split("\n\n")
    .filter((block) => block.startsWith("data: {"))
    .map((block) => JSON.parse(block.slice("data: ".length)) as { choices: { delta: { content?: string } }[] });
  expect(data.map(({ choices }) => choices[0]?.delta.content ?? "").join("")).toBe(answer);
  expect(text).toMatch(/data: \[DONE\]\n\n$/);

  const fetched: number[] = [];
  const job_id = response.headers.get("x-rbee-job-id") ?? "";
  for await (const { event } of house.client().stream(job_id))
    if (event.type === "progress" && event.unit === "bytes") fetched.push(event.done);
  expect(fetched).toEqual(fetched.toSorted((a, b) => a - b));
  expect(fetched.at(-1)).toBe(readFileSync(BEE_TINY).length);
  const workers = async () => (await house.client().run("active_worker_list", {})).workers;
  await expect.poll(workers).toMatchObject([{ model: FETCHED }]);
});
