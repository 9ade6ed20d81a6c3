import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseInput, type JobEvent, type OperationRequest } from "@rbee/contracts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { House } from "./house.ts";
import { long, story, wild } from "./prompts.ts";

/** Words of one token each: what is left is soon full. */
const MOST_OF_A_CONTEXT = 1_900;

let house: House;
beforeAll(async () => {
  house = await House.open();
  await house.startHive("den");
});
afterAll(() => house.close());

/** What the worker itself says to the same request, without agent or queen. */
async function direct(request: OperationRequest<"infer">): Promise<string> {
  const { model: _model, hive_id: _hive, ...generation } = parseInput("infer", request);
  const folder = join(house.home, "den", "workers");
  const file = readdirSync(folder).find((name) => name.endsWith(".json")) ?? "";
  const record = readFileSync(join(folder, file), "utf8");
  const { info, token } = JSON.parse(record) as { info: { port: number }; token: string };
  const response = await fetch(`http://127.0.0.1:${info.port}/generations`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ id: `direct-${randomUUID()}.1`, generation }),
  });
  const lines = (await response.text()).trim().split("\n");
  return lines.map((line) => (JSON.parse(line) as { text?: string }).text ?? "").join("");
}

const textOf = (events: readonly JobEvent[]): string =>
  events.map((event) => (event.type === "token" ? event.text : "")).join("");

describe("the text a client receives is the text the worker generated", () => {
  test.each([
    ["a story", story],
    ["a chat", { model: "bee-tiny", prompt: "What do bees eat?", temperature: 0 }],
    ["all that fits the context", { ...long, prompt: "bee ".repeat(MOST_OF_A_CONTEXT), max_tokens: 4_096 }],
    ["characters of many bytes, split across tokens", wild],
  ])("%s", async (_what, request) => {
    // The first run fills the engine's cache; from then on the last bits of its numbers are the same.
    await house.client().run("infer", request);
    const events: JobEvent[] = [];
    const result = await house.client().run("infer", request, { onEvent: (event) => events.push(event) });
    const expected = await direct(request);
    expect(Buffer.from(textOf(events)).equals(Buffer.from(expected))).toBe(true);
    expect(result.text).toBe(expected);
    expect(expected.length).toBeGreaterThan(20);
    expect(result.usage.total_tokens).toBe(result.usage.prompt_tokens + result.usage.completion_tokens);
  });
});

test("early, second, late and after-the-end readers all see the same, [DONE] last", async () => {
  const job = await house.client().start("infer", long);
  const read = async () => {
    const seen: string[] = [];
    for await (const { event, position } of house.client().stream(job.id))
      seen.push(`${position} ${JSON.stringify(event)}`);
    return seen;
  };
  const early = read();
  const second = read();
  for await (const { event } of job.events()) if (event.type === "token") break;
  const late = read();
  const all = await Promise.all([early, second, late]);
  const after = await read();
  for (const seen of all) expect(seen).toEqual(after);
  const text = await (
    await fetch(`${house.url}/v1/jobs/${job.id}/stream`, { headers: { authorization: `Bearer ${house.key}` } })
  ).text();
  expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
});

test("requests run side by side in one worker, each with its own text", async () => {
  const questions = ["What do bees eat?", "Who are you?", "Hello!", "What day comes after Tuesday?"];
  const ask = async (prompt: string) =>
    (await house.client().run("infer", { model: "bee-tiny", prompt, temperature: 0 })).text;
  const together = await Promise.all(questions.map(ask));
  for (const [i, question] of questions.entries()) expect(together[i]).toBe(await ask(question));
  expect(new Set(together).size).toBe(questions.length);
});

test("a conversation's second turn reuses what the engine still holds", async () => {
  const first = [{ role: "user" as const, content: "Tell me a story about a bee and a bear, please." }];
  const answer = await house.client().run("infer", { model: "bee-tiny", messages: first, temperature: 0 });
  const second = [
    ...first,
    { role: "assistant" as const, content: answer.text },
    { role: "user" as const, content: "Thank you!" },
  ];
  const { usage } = await house.client().run("infer", { model: "bee-tiny", messages: second, temperature: 0 });
  expect(usage.cached_tokens).toBeGreaterThan(answer.usage.prompt_tokens);
});

test("a schema is kept to, stop strings end the text and are not in it, length is said", async () => {
  const client = house.client();
  const schema = {
    type: "object",
    properties: { name: { type: "string" }, age: { type: "integer" } },
    required: ["name", "age"],
    additionalProperties: false,
  };
  const json = await client.run("infer", {
    model: "bee-tiny",
    prompt: "Give me a JSON object with name and age",
    temperature: 0,
    response_format: { type: "json_schema", schema },
  });
  expect(JSON.parse(json.text)).toEqual({ name: expect.any(String) as string, age: expect.any(Number) as number });
  const stopped = await client.run("infer", { ...story, stop: ["honeybee", "bee"] });
  expect(stopped).toMatchObject({ finish_reason: "stop" });
  expect(stopped.text).not.toContain("bee");
  const short = await client.run("infer", { ...story, max_tokens: 5 });
  expect(short).toMatchObject({ finish_reason: "length", usage: { completion_tokens: 5 } });
});

test("a prompt with more tokens than the context fails with both numbers", async () => {
  await expect(house.client().run("infer", { model: "bee-tiny", prompt: "bee ".repeat(9_000) })).rejects.toMatchObject({
    code: "context_length_exceeded",
    message: expect.stringMatching(/\d{4,}.*\d{3,}/) as string,
  });
});

test("every operation of a hive answers through the queen", async () => {
  const client = house.client();
  const hive_id = "den";
  expect(await client.run("hive_status", { hive_id })).toMatchObject({
    running: true,
    rtt_ms: expect.any(Number) as number,
  });
  expect(await client.run("model_list", { hive_id })).toMatchObject({ models: [{ id: "bee-tiny", loaded: true }] });
  expect(await client.run("model_get", { hive_id, id: "bee-tiny" })).toMatchObject({
    model: { architecture: "llama", context: 2048 },
  });
  const { workers } = await client.run("worker_process_list", { hive_id });
  expect(workers).toMatchObject([{ model: "bee-tiny", state: "ready", rss: expect.any(Number) as number }]);
  await expect
    .poll(() => client.run("status", {}))
    .toMatchObject({
      hives: [{ hive_id, connected: true }],
      workers: [{ model: "bee-tiny", slots_busy: 0 }],
    });
});
