import { limits, problemOf, type ErrorCode } from "@rbee/contracts";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { RegistryObject } from "./durable/registry-object.ts";
import { makeKey, queen, shows, submitWith } from "./testing/queen-client.ts";
import { TestHive } from "./testing/test-hive.ts";

/** Texts that other APIs ask to embed, with a hive that does exactly what a test tells it. */

let hive: TestHive;
let hives = 0;
let model: string;

beforeEach(async () => {
  ({ hive, model } = await TestHive.serving(`embed-hive-${++hives}`));
  return () => hive.hangUp();
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const ask = (path: string, body: object, headers: Record<string, string> = {}): Promise<Response> =>
  queen(path, { method: "POST", headers, body: JSON.stringify({ model, ...body }) });

/** Takes the next job up, and answers it with a vector for each text. */
async function embedNext(): Promise<Record<string, unknown>> {
  const { op, lane } = await hive.take();
  const embeddings = (op.input["input"] as string[]).map(() => [1]);
  const usage = { prompt_tokens: embeddings.length, total_tokens: embeddings.length };
  const where = { model, hive_id: hive.hive_id, worker_id: "worker-llama-9100" };
  await lane.end(0, { status: "succeeded", result: { embeddings, usage, ...where } });
  return op.input;
}

async function failNext(code: ErrorCode): Promise<Record<string, unknown>> {
  const { op, lane } = await hive.take();
  await lane.end(0, { status: "failed", error: problemOf(code, `the hive says ${code}`) });
  return op.input;
}

describe("Ollama's clients have texts cut that are too long", () => {
  test.each([
    ["/api/embed", { input: "bees" }, { embeddings: [[1]] }],
    ["/api/embeddings", { prompt: "bees" }, { embedding: [1] }],
  ])("%s: only of those is it asked, as older hives refuse the word", async (path, body, answer) => {
    const named = { "idempotency-key": crypto.randomUUID() };
    const fitting = ask(path, body);
    expect(await embedNext()).not.toHaveProperty("truncate");
    expect(await (await fitting).json()).toMatchObject(answer);

    const tooLong = ask(path, body, named);
    expect(await failNext("context_length_exceeded")).not.toHaveProperty("truncate");
    expect(await embedNext()).toMatchObject({ input: ["bees"], truncate: true });
    expect(await (await tooLong).json()).toMatchObject(answer);
    // The same request meets both of its jobs again.
    expect(await (await ask(path, body, named)).json()).toMatchObject(answer);
  });

  test("an older hive is not said to have refused a word that the client never said", async () => {
    const answering = ask("/api/embed", { input: "bees" });
    await failNext("context_length_exceeded");
    await failNext("invalid_input");
    expect(await (await answering).text()).toContain("the hive says context_length_exceeded");
    const uncut = ask("/api/embed", { input: "bees", truncate: false });
    await failNext("context_length_exceeded");
    expect(await (await uncut).text()).toContain("the hive says context_length_exceeded");
  });
});

const texts = (jobs: number): string[] => Array.from({ length: jobs * limits.api_embed_inputs }, (_, n) => `text ${n}`);

test("one job that fails takes the others of its request with it", async () => {
  const answering = ask("/v1/embeddings", { input: texts(2) });
  const lanes = [(await hive.take()).lane, (await hive.take()).lane];
  const error = problemOf("unsupported", "no embeddings here");
  lanes[0]?.send({ t: "end", final: 0, outcome: { status: "failed", error } });
  expect(await lanes[1]?.next()).toMatchObject({ t: "cancel" });
  await lanes[1]?.end(0, { status: "cancelled" });
  expect(await (await answering).text()).toContain("no embeddings here");
});

describe("[KEY-6] a request that is many jobs", () => {
  /** How often the registry refused a job. */
  function refusals(): () => number {
    const place = vi.spyOn(RegistryObject.prototype, "place");
    return () => place.mock.settledResults.filter(({ value }) => value?.kind === "refused").length;
  }

  test.each([
    { path: "/v1/embeddings", body: { input: texts(3) }, may: { requests_per_minute: 2 }, most: "2 a minute" },
    { path: "/v1/completions", body: { prompt: "hi", n: 3 }, may: { concurrent: 2 }, most: "2 at once" },
  ])("$path: more than its key is ever allowed is told so before any begins", async ({ path, body, may, most }) => {
    const { key, key_id } = await makeKey("small", "infer", { limits: may });
    const said = `is 3 jobs, and its key may have ${most}`;
    const place = vi.spyOn(RegistryObject.prototype, "place");
    const refused = await ask(path, body, shows(key));
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining(said)]);
    expect(place.mock.calls.filter(([, want]) => want.key_id === key_id)).toEqual([]);
  });

  test("has its next one though the end of the one before is still on its way", async () => {
    const { key } = await makeKey("single", "infer", { limits: { concurrent: 1 } });
    const refused = refusals();
    const answering = ask("/v1/embeddings", { input: texts(2) }, shows(key));
    await expect.poll(refused).toBe(1);
    const release = vi.spyOn(RegistryObject.prototype, "release");
    release.mockImplementationOnce(async function late(this: RegistryObject, ...ended) {
      await expect.poll(refused).toBe(2);
      await this.release(...ended);
    });
    await embedNext();
    await embedNext();
    expect(await (await answering).json()).toMatchObject({ usage: { prompt_tokens: 64 } });
  });

  test("has its last ones in the key's next minute", async () => {
    const minute = Math.ceil(Date.now() / 60_000) * 60_000;
    vi.useFakeTimers({ toFake: ["Date"], now: minute - 1_000 });
    const { key } = await makeKey("slow", "infer", { limits: { requests_per_minute: 2 } });
    await submitWith({ operation: "embed", model, input: "bees" }, key);
    await embedNext();
    const refused = refusals();
    const answering = ask("/v1/embeddings", { input: texts(2) }, shows(key));
    await expect.poll(refused).toBe(1);
    await embedNext();
    await expect.poll(refused).toBe(2);
    vi.setSystemTime(minute);
    await embedNext();
    expect(await (await answering).json()).toMatchObject({ usage: { prompt_tokens: 64 } });
  });
});
