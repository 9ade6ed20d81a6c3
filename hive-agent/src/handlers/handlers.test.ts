import { Generation, operations, RbeeError, type HandlerEvent, type OperationInput } from "@rbee/contracts";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { best } from "../../../contracts/src/testing/late.ts";
import type { HiveContext, HiveHandlers } from "../jobs/handler.ts";
import { counting, endless, failureOf, rawWorker, testHive, type TestHive } from "../workers/testing.ts";
import { aContext, openHandlers, type TestHandlers } from "./testing.ts";

let hive: TestHive;
let handlers: HiveHandlers;
const atOnce = { drain_ms: 0, keep: false };
const opened: TestHandlers[] = [];

function handlersOf(one: TestHive, supervisor = one.supervisor): HiveHandlers {
  const own = openHandlers(one, { supervisor });
  opened.push(own);
  return own.handlers;
}

beforeAll(async () => {
  hive = await testHive();
  handlers = handlersOf(hive);
});
afterAll(async () => {
  await Promise.all(opened.map(async (one) => one.close()));
  await hive.end();
});
let context: HiveContext;
beforeEach(() => {
  context = aContext();
});

type Input = OperationInput<"infer">;
const ask = (fields: Partial<Input>): Input => ({
  ...Generation.parse({ prompt: "What do bees eat?", temperature: 0 }),
  model: "bee-tiny",
  hive_id: "auto",
  ...fields,
});

async function run<R>(handler: AsyncGenerator<HandlerEvent, R, void>) {
  const events: HandlerEvent[] = [];
  for (;;) {
    const next = await handler.next();
    if (next.done === true) {
      const tokens = events.flatMap((event) => (event.type === "token" ? [event.text] : []));
      return { events, tokens, result: next.value };
    }
    events.push(next.value);
  }
}

const said = "Bees eat nectar and pollen from flowers. In the winter they eat honey.";

test("the first question loads the model and says so, the next one only answers", async () => {
  const first = await run(handlers.infer(ask({}), context));
  expect(first.events[0]).toMatchObject({ type: "narration", human: "Loading bee-tiny" });
  expect(first.tokens.join("")).toBe(said);
  expect(operations.infer.result.parse(first.result)).toMatchObject({
    text: said,
    finish_reason: "stop",
    hive_id: "den",
    model: "bee-tiny",
  });
  const second = await run(handlers.infer(ask({ model: "bee-tiny:f16" }), { ...context, term: 2 }));
  expect(second.events.every(({ type }) => type === "token")).toBe(true);
  expect(second.result).toMatchObject({ text: said, worker_id: first.result.worker_id });
});

test("the worker the queen chose is used; one that is named must be there", async () => {
  const spawned = await run(
    handlers.worker_spawn(
      { hive_id: "den", model: "bee-tiny", worker: "auto", device: "auto", slots: 1, context: 512 },
      context,
    ),
  );
  expect(operations.worker_spawn.result.parse(spawned.result).status).toBe("ready");
  const { worker_id, pid } = spawned.result;
  const chosen = await run(handlers.infer(ask({}), { ...context, worker_id }));
  expect(chosen.result.worker_id).toBe(worker_id);
  const named = await run(handlers.infer(ask({ worker_id }), { ...context, term: 2 }));
  expect(named.result.worker_id).toBe(worker_id);
  const listed = await run(handlers.worker_process_list({ hive_id: "den" }, context));
  expect(operations.worker_process_list.result.parse(listed.result).workers).toContainEqual(
    expect.objectContaining({ pid, worker_id, rss: expect.any(Number) as number }),
  );
  const stopped = await run(handlers.worker_process_delete({ hive_id: "den", pid, ...atOnce }, context));
  expect(stopped.result).toMatchObject({ pid });
  const gone = await failureOf(run(handlers.infer(ask({ worker_id }), { ...context, term: 3 })));
  expect(gone.code).toBe("worker_not_found");
  const elsewhere = await run(handlers.infer(ask({}), { ...context, term: 4, worker_id }));
  expect(elsewhere.result.text).toBe(said);
  const foreign = await failureOf(
    run(handlers.worker_process_delete({ hive_id: "den", pid: process.pid, ...atOnce }, context)),
  );
  expect(foreign.code).toBe("worker_not_found");
});

test("[AGENT-21] when the hive is to leave, what waits for a slot is handed back at once, and what has one goes on", async () => {
  const spawning = {
    hive_id: "den",
    model: "bee-tiny",
    worker: "auto",
    device: "auto",
    slots: 1,
    context: 512,
  } as const;
  const { result: worker } = await run(handlers.worker_spawn(spawning, context));
  const leaving = new AbortController();
  const { worker_id } = worker;
  const begun = handlers.infer(ask(endless), {
    ...context,
    worker_id,
    draining: leaving.signal,
  });
  await begun.next();
  const waiting = run(handlers.infer(ask({}), { ...context, term: 2, worker_id, draining: leaving.signal }));
  const raw = await rawWorker(hive.home, worker_id);
  await expect.poll(() => raw.knows(`${context.job_id}.2`), { interval: 5 }).toBe(true);
  leaving.abort(new RbeeError("draining"));
  expect((await failureOf(waiting)).code).toBe("draining");
  const late = { ...context, term: 3, worker_id, draining: leaving.signal };
  expect((await failureOf(run(handlers.infer(ask({}), late)))).code).toBe("draining");
  expect(
    (await failureOf(run(handlers.embed({ hive_id: "den", model: "bee-tiny", input: ["bees"] }, late)))).code,
  ).toBe("draining");
  expect(await raw.knows(`${context.job_id}.2`)).toBe(false);
  expect((await run(begun)).result).toMatchObject({ finish_reason: "length" });
  await hive.supervisor.stop(worker.pid);
});

test("models are listed and described, with whether they are loaded", async () => {
  const { result } = await run(handlers.model_list({ hive_id: "den" }, context));
  expect(operations.model_list.result.parse(result).models).toMatchObject([
    { id: "bee-tiny", loaded: true, status: "ready" },
  ]);
  const details = await run(handlers.model_get({ hive_id: "den", id: "bee-tiny" }, context));
  expect(operations.model_get.result.parse(details.result).model).toMatchObject({
    architecture: "llama",
    loaded: true,
  });
  expect((await failureOf(run(handlers.model_get({ hive_id: "den", id: "nothing" }, context)))).code).toBe(
    "model_not_found",
  );
  expect((await failureOf(run(handlers.infer(ask({ model: "nothing" }), context)))).code).toBe("model_not_found");
});

test("a sign of life holds the round trip", async () => {
  const { result } = await run(handlers.hive_status({ hive_id: "den" }, context));
  expect(operations.hive_status.result.parse(result)).toMatchObject({ hive_id: "den", running: true, rtt_ms: 12 });
});

test("cancel ends the handler with the signal's reason, at once, and frees the worker", async () => {
  let term = 0;
  await best(1_000, async () => {
    const cancel = new AbortController();
    const handler = handlers.infer(ask(endless), { ...context, term: ++term, signal: cancel.signal });
    await handler.next();
    const begun = performance.now();
    cancel.abort(new RbeeError("cancelled"));
    expect((await failureOf(run(handler))).code).toBe("cancelled");
    return performance.now() - begun;
  });
  expect((await run(handlers.infer(ask({}), { ...context, term: ++term }))).result.text).toBe(said);
});

test("after a restart of the agent the rest is streamed, and the result has all of it", async () => {
  const handler = handlers.infer(ask({ prompt: "Once upon a time", raw: true }), context);
  const shown: string[] = [];
  for (let n = 0; n < 3; n += 1) {
    const next = await handler.next();
    if (next.done !== true && next.value.type === "token") shown.push(next.value.text);
  }
  await handler.return(undefined as never);
  const supervisor = hive.again();
  await supervisor.adopt();
  const restarted = handlersOf(hive, supervisor);
  const resumed = await run(restarted.infer(ask({}), { ...context, resume_after_tokens: shown.length }));
  expect(resumed.events.every(({ type }) => type === "token")).toBe(true);
  expect(resumed.result.text).toBe(shown.join("") + resumed.tokens.join(""));
  expect(resumed.result.text.length).toBeGreaterThan(100);
});

test("what nobody knows any more starts afresh if nothing was shown, and is lost otherwise", async () => {
  const afresh = await run(handlers.infer(ask({}), { ...context, resume_after_tokens: 0 }));
  expect(afresh.result.text).toBe(said);
  const lost = await failureOf(run(handlers.infer(ask({}), { ...context, term: 2, resume_after_tokens: 4 })));
  expect(lost.code).toBe("hive_lost");
});

test("progress of a load is told in percent", async () => {
  const { narrateLoading } = await import("./loading.ts");
  const steps = [0.1, 0.104, 0.5, 1];
  const { events, result } = await run(
    narrateLoading("m", async (onProgress) => {
      for (const step of steps) {
        onProgress(step);
        await new Promise(setImmediate);
      }
      return "loaded";
    }),
  );
  expect(result).toBe("loaded");
  expect(events.slice(1)).toEqual(
    [10, 50, 100].map((done) => ({ type: "progress", done, total: 100, unit: "percent" })),
  );
});

test("a hive that starts another kind of worker uses it for everything", async () => {
  const other = await testHive({ kinds: counting });
  const { supervisor } = other;
  const counted = handlersOf(other);
  const { tokens, result } = await run(counted.infer(ask({ max_tokens: 3 }), context));
  expect(tokens).toEqual(["1 ", "2 ", "3 "]);
  expect(supervisor.get(result.worker_id)?.kind).toBe("synthetic");
  await other.end();
});
