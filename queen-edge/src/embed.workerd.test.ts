import { problemOf, type ErrorCode } from "@rbee/contracts";
import { beforeEach, describe, expect, test } from "vitest";
import { queen } from "./testing/queen-client.ts";
import { TestHive } from "./testing/test-hive.ts";

/** Texts that other APIs ask to embed, with a hive that does exactly what a test tells it. */

let hive: TestHive;
let hives = 0;
let model: string;

beforeEach(async () => {
  ({ hive, model } = await TestHive.serving(`embed-hive-${++hives}`));
  return () => hive.hangUp();
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
