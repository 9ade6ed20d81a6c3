import { tokenOf, type Generation } from "@rbee/contracts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startApi, streaming, type TestApi } from "./testing-api.ts";
import { collect, failureOf, generationOf, never, newId, testHive, type TestHive } from "./testing.ts";

/** Tools and embeddings of workers that pass requests to a server. */

let hive: TestHive;
let api: TestApi;
let worker: string;
beforeAll(async () => {
  api = await startApi(["bees"]);
  hive = await testHive();
  const server = { kind: "openai" as const, model: "bees", url: `${api.url}/v1`, slots: 2 };
  worker = (await hive.supervisor.spawn(server, { signal: never })).worker_id;
});
afterAll(async () => {
  await hive.end();
  await api.close();
});

const ask = async (fields: Partial<Generation>) =>
  collect(
    hive.supervisor.generate(
      worker,
      { id: newId(), generation: generationOf({ messages: [{ role: "user", content: "hi" }], ...fields }) },
      never,
    ),
  );
const delta = (tool_calls: object[], finish_reason: string | null = null) => ({
  choices: [{ index: 0, delta: { tool_calls }, finish_reason }],
});

test("tools are passed on, and the calls that come back stream and are whole in the end", async () => {
  const tools = [{ type: "function" as const, function: { name: "add", parameters: { type: "object" } } }];
  api.answers.push(
    streaming(
      delta([{ index: 0, id: "c1", type: "function", function: { name: "add", arguments: "" } }]),
      delta([{ index: 0, function: { arguments: '{"a":' } }]),
      delta([{ index: 0, function: { arguments: "1}" } }]),
      delta([], "tool_calls"),
    ),
  );
  const { tool_calls, finish_reason, pieces } = await ask({
    tools,
    tool_choice: "required",
    frequency_penalty: 1,
    logprobs: 2,
  });
  expect(tool_calls).toEqual([{ id: "c1", type: "function", function: { name: "add", arguments: '{"a":1}' } }]);
  expect(finish_reason).toBe("tool_calls");
  expect(pieces.map((piece) => tokenOf(piece).tool_call)).toEqual([
    { index: 0, id: "c1", name: "add", arguments: "" },
    { index: 0, arguments: '{"a":' },
    { index: 0, arguments: "1}" },
  ]);
  expect(api.asked.at(-1)?.body).toMatchObject({
    tools,
    tool_choice: "required",
    frequency_penalty: 1,
    logprobs: true,
    top_logprobs: 2,
  });
});

test("likelihoods that the server tells are told", async () => {
  const likely = {
    token: "Bees",
    logprob: -0.5,
    bytes: null,
    top_logprobs: [{ token: "Bees", logprob: -0.5, bytes: [66] }],
  };
  const choice = { index: 0, delta: { content: "Bees" }, logprobs: { content: [likely] }, finish_reason: "stop" };
  api.answers.push(streaming({ choices: [choice] }));
  const { pieces } = await ask({ logprobs: 1 });
  const top = [{ token: "Bees", logprob: -0.5, bytes: [66] }];
  expect(pieces).toEqual([{ text: "Bees", logprobs: [{ token: "Bees", logprob: -0.5, bytes: [], top }] }]);
});

test("texts are embedded by the server; its vectors are made to be of length 1, in the order of the texts", async () => {
  api.answers.push((response) => {
    const data = [
      { index: 1, embedding: [0, 2] },
      { index: 0, embedding: [3, 4] },
    ];
    response.writeHead(200).end(JSON.stringify({ data, usage: { prompt_tokens: 4 } }));
  });
  const embedded = await hive.supervisor.embed(worker, { texts: ["a", "b"] }, never);
  expect(embedded).toEqual({
    embeddings: [
      [0.6, 0.8],
      [0, 1],
    ],
    prompt_tokens: 4,
  });
  expect(api.asked.at(-1)).toMatchObject({ path: "/v1/embeddings", body: { model: "bees", input: ["a", "b"] } });
});

test("fewer vectors than texts are no answer", async () => {
  api.answers.push((response) => void response.writeHead(200).end(JSON.stringify({ data: [] })));
  expect((await failureOf(hive.supervisor.embed(worker, { texts: ["a"] }, never))).message).toContain(
    "does not speak the API",
  );
});
