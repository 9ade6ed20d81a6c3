import {
  operations,
  parseInput,
  parseSubmission,
  RbeeError,
  type HandlerEvent,
  type OperationName,
} from "@rbee/contracts";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { HiveContext, HiveHandlers } from "../jobs/handler.ts";
import { beeTiny, counting, failureOf, never, testHive, type TestHive } from "../workers/testing.ts";
import type { HandlerDeps } from "./deps.ts";
import { aContext, openHandlers, type TestHandlers } from "./testing.ts";

/** Operations on workers as a job runs them: input as a client sends it, through the row, to the handler. */

let hive: TestHive;
let opened: TestHandlers;
const inTime = { timeout: 20_000 };
beforeEach(async () => {
  hive = await testHive({ kinds: counting });
  opened = openHandlers(hive);
});
afterEach(async () => {
  await opened.close();
  await hive.end();
});

type AnyHandler = (input: unknown, context: HiveContext) => AsyncGenerator<HandlerEvent, Record<string, unknown>, void>;

async function run(operation: string, fields: Record<string, unknown> = {}, signal = never) {
  const submitted = parseSubmission({ operation, ...fields });
  const name = submitted.operation as keyof HiveHandlers;
  const handler = opened.handlers[name] as AnyHandler;
  const steps = handler(parseInput(submitted.operation, { ...submitted.input }), aContext({ signal }));
  const events: HandlerEvent[] = [];
  for (;;) {
    const next = await steps.next();
    if (next.done === true)
      return { events, result: operations[name as OperationName].result.parse(next.value) as never };
    events.push(next.value);
  }
}
interface Started {
  worker_id: string;
  port: number;
  pid: number;
  status: string;
}

test("load, load again, unload, unload again", async () => {
  const loaded = await run("model_load", { id: "bee-tiny" });
  const { worker_id, status } = loaded.result as Started;
  expect(status).toBe("ready");
  expect(loaded.events[0]).toMatchObject({ type: "narration", human: "Loading bee-tiny" });
  const again = await run("model_load", { id: "bee-tiny:f16", device: "cpu" });
  expect((again.result as Started).worker_id).toBe(worker_id);
  expect(hive.supervisor.list()).toHaveLength(1);
  expect((await run("model_unload", { id: "bee-tiny" })).result).toEqual({ message: "bee-tiny was unloaded from cpu" });
  expect(hive.supervisor.list()).toEqual([]);
  expect((await run("model_unload", { id: "bee-tiny" })).result).toEqual({ message: "bee-tiny is not loaded" });
});

test("two loads at once are one worker", async () => {
  const both = await Promise.all([run("model_load", { id: "bee-tiny" }), run("model_load", { id: "bee-tiny" })]);
  const [one, two] = both.map(({ result }) => (result as Started).pid);
  expect(one).toBe(two);
});

test("run says where it runs", async () => {
  const { result } = await run("model_run", { model: "bee-tiny" });
  expect(result).toMatchObject({ hive_id: "den", device: "cpu", status: "ready" });
});

test("a run that is cancelled leaves nothing behind", async () => {
  const cancel = new AbortController();
  const failed = failureOf(run("model_run", { model: "bee-tiny" }, cancel.signal));
  await expect.poll(() => hive.supervisor.list().length, inTime).toBe(1);
  cancel.abort(new RbeeError("cancelled"));
  expect((await failed).code).toBe("cancelled");
  await expect.poll(() => hive.supervisor.list(), inTime).toEqual([]);
});

test("what is not there and has no address is not fetched", async () => {
  expect((await failureOf(run("model_run", { model: "nothing" }))).code).toBe("model_not_found");
  expect((await failureOf(run("worker_spawn", { model: "bee-tiny", device: "cuda:7" }))).code).toBe("no_such_device");
});

test("a model that has an address is fetched first, and that is seen", async () => {
  await opened.close();
  const fetched: string[] = [];
  const provide = async function* ({ model }: { model: string }) {
    fetched.push(model);
    yield { type: "progress" as const, done: 1, total: 1, unit: "bytes" as const };
    return { model_id: "bee-tiny", status: "ready" as const, path: beeTiny, size_bytes: 1, already_there: false };
  };
  const provisioner = { provide } as unknown as HandlerDeps["provisioner"];
  opened = openHandlers(hive, { provisioner });
  const { events, result } = await run("worker_spawn", { model: "org/bees:Q4_K_M", slots: 1 });
  expect(fetched).toEqual(["org/bees:Q4_K_M"]);
  expect(events).toContainEqual({ type: "progress", done: 1, total: 1, unit: "bytes" });
  expect(hive.supervisor.get((result as Started).worker_id)?.model).toBe("bee-tiny");
});

test("[WORK-2] processes are shown by pid and by id, with what they use; anything else is not there", async () => {
  const { pid, worker_id } = (await run("worker_spawn", { model: "bee-tiny", worker: "cpu", device: 0 }))
    .result as Started;
  const { worker } = (await run("worker_process_get", { pid })).result as { worker: Record<string, unknown> };
  expect(worker).toMatchObject({ pid, worker_id, status: "ready", rss: expect.any(Number) as number });
  expect((await run("worker_get", { id: worker_id })).result).toMatchObject({ worker: { pid } });
  expect((await run("worker_list")).result).toMatchObject({ workers: [{ pid }] });
  for (const foreign of [process.pid, 1, 2_000_000_000]) {
    const failed = await failureOf(run("worker_process_get", { pid: foreign }));
    expect(failed).toMatchObject({ code: "worker_not_found" });
    expect(failed.message).toContain(worker_id);
    expect((await failureOf(run("worker_process_delete", { pid: foreign }))).code).toBe("worker_not_found");
  }
  expect((await run("worker_delete", { id: worker_id })).result).toMatchObject({ pid });
  expect(hive.supervisor.list()).toEqual([]);
});

test("engines are listed under their old names too", async () => {
  const { workers } = (await run("worker_list_installed")).result as {
    workers: { worker_type: string; bundled: boolean }[];
  };
  expect(workers).toContainEqual(expect.objectContaining({ worker_type: "cpu-llm-worker", bundled: true }));
  expect((await run("worker_install", { worker_id: "cpu-llm-worker" })).result).toMatchObject({
    worker_type: "cpu-llm-worker",
  });
  expect((await failureOf(run("worker_remove", { id: "cpu-llm-worker" }))).code).toBe("unsupported");
  const missing = await failureOf(run("worker_installed_get", { worker_type: "llama-server" }));
  expect(missing).toMatchObject({ code: "engine_not_found" });
  expect(missing.message).toContain("cpu-llm-worker@");
  const built = await failureOf(run("worker_build", { worker_type: "cpu-llm-worker" }));
  expect(built).toMatchObject({ code: "unsupported", message: expect.stringContaining("worker_download") as string });
});

test("a generation whose worker goes before it has said anything runs on another", async () => {
  const { pid } = (await run("worker_spawn", { model: "bee-tiny" })).result as Started;
  // The news of its death is late.
  vi.spyOn(hive.supervisor, "ready").mockImplementationOnce((model) => {
    process.kill(pid, "SIGKILL");
    return hive.supervisor.ready(model);
  });
  const { events, result } = await run("infer", { model: "bee-tiny", prompt: "Count", max_tokens: 3 });
  expect(result).toMatchObject({ text: "1 2 3 " });
  expect(events.filter(({ type }) => type === "token")).toHaveLength(3);
});
