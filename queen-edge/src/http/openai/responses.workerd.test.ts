import { problemOf } from "@rbee/contracts";
import { expect, test } from "vitest";
import { queen } from "../../testing/queen-client.ts";
import { TestHive } from "../../testing/test-hive.ts";

/** Responses of a hive that says exactly what a test tells it. */

interface Told {
  readonly id: string;
  readonly output: readonly { id: string; type: string }[];
}

test("text behind a call stands behind it whenever the response is told, and can be named", async () => {
  const { hive, model } = await TestHive.serving("ordered-hive");
  const ask = (input: unknown): Promise<Response> =>
    queen("/v1/responses", { method: "POST", body: JSON.stringify({ model, input }) });
  const usage = { prompt_tokens: 1, cached_tokens: 0, completion_tokens: 1, total_tokens: 2 };
  const timings = { wait_ms: 0, prompt_ms: 0, generation_ms: 0, tokens_per_s: 0 };
  const where = { model, hive_id: hive.hive_id, worker_id: "worker-llama-9100" };
  const tool_calls = [{ id: "call_1", type: "function", function: { name: "add", arguments: "{}" } }];
  const result = { text: "Done.", tool_calls, finish_reason: "tool_calls", usage, timings, ...where };

  const answering = ask("hi");
  const { lane } = await hive.take();
  const call = { text: "{}", tool_call: { index: 0, id: "call_1", name: "add", arguments: "{}" } };
  lane.send({ t: "ev", first: 1, items: [{ type: "token", ...call }, "Done."] });
  await lane.end(2, { status: "succeeded", result });
  const made: Told = await (await answering).json();
  expect(made.output.map(({ type }) => type)).toEqual(["function_call", "message"]);
  const found: Told = await (await queen(`/v1/responses/${made.id}`)).json();
  expect(found.output).toEqual(made.output);
  const again = ask([{ type: "item_reference", id: made.output[1]?.id }]);
  const { op, lane: next } = await hive.take();
  expect(op.input).toMatchObject({ messages: [{ role: "assistant", content: "Done." }] });
  await next.end(0, { status: "succeeded", result: { ...result, text: "" } });
  expect((await again).status).toBe(200);
  await hive.hangUp();
});

test("what fails behind its headers and before its first word is an event that clients throw", async () => {
  const { hive, model } = await TestHive.serving("silent-hive");
  const asked = { model, input: "hi", stream: true };
  const answering = queen("/v1/responses", { method: "POST", body: JSON.stringify(asked) });
  const { lane } = await hive.take();
  // Nothing is said: the headers go out by themselves.
  const response = await answering;
  expect(response.status).toBe(200);
  lane.send({
    t: "end",
    final: 0,
    outcome: { status: "failed", error: problemOf("unavailable", "the engine fell over") },
  });
  const [, data = ""] = /event: error\ndata: (.*)\n\n$/.exec(await response.text()) ?? [];
  expect(JSON.parse(data)).toEqual({
    type: "error",
    code: "unavailable",
    message: "the engine fell over",
    param: null,
    sequence_number: 0,
  });
  await hive.hangUp();
});
