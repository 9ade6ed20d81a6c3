import "./dom.ts";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { RbeeClient } from "@rbee/sdk";
import {
  RbeeProvider,
  useChat,
  useHeartbeats,
  useHiveOperations,
  useHives,
  useJob,
  useJobs,
  useJobSubmit,
  useModels,
  useOperation,
  useWorkers,
} from "@rbee/sdk/react";
import { cleanup, configure, renderHook, waitFor } from "@testing-library/react";
import { createElement, StrictMode, type ReactNode } from "react";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { House } from "../house.ts";
import { best } from "../../../contracts/src/testing/late.ts";
import { freeze, thaw, workersOf } from "../process.ts";
import { endless } from "../prompts.ts";
import { runInSlices } from "../slices.ts";

/** The hooks over a real queen, agent and model. */

configure({ asyncUtilTimeout: 60_000 });
const GREY_WITHIN_MS = 3_000;
let house: House;
let client: RbeeClient;
beforeAll(async () => {
  house = await House.open();
  await house.startHive("hive");
  client = new RbeeClient({ url: house.url, key: house.key });
});
afterEach(cleanup);
afterAll(() => house.close());

/** In strict mode, where every effect comes, goes and comes again. */
const render = <Result>(hook: () => Result, of = client) =>
  renderHook(hook, {
    wrapper: ({ children }: { children: ReactNode }) =>
      createElement(StrictMode, null, createElement(RbeeProvider, { client: of }, children)),
  }).result;

test("the fleet is there: hives, workers, models, jobs", async () => {
  const shown = render(() => ({
    hives: useHives(),
    workers: useWorkers("hive"),
    models: useModels("hive"),
    jobs: useJobs(),
  }));
  expect(shown.current.hives.loading).toBe(true);
  await waitFor(() => expect(shown.current.workers.workers).toMatchObject([{ hive_id: "hive", state: "ready" }]));
  expect(shown.current.hives).toMatchObject({ connected: true, loading: false, hives: [{ hive_id: "hive" }] });
  expect(shown.current.models.models).toMatchObject([{ hive_id: "hive", id: "bee-tiny", loaded: true }]);
  const id = await client.infer({ model: "bee-tiny", prompt: "Hello", max_tokens: 2 }).id;
  await waitFor(() => expect(shown.current.jobs.jobs[0]).toMatchObject({ job_id: id, state: "succeeded" }));
});

test("a job is submitted, tells what it does, and is finished; a refused one says why", async () => {
  const events: string[] = [];
  const results: unknown[] = [];
  const shown = render(() =>
    useJobSubmit({ onProgress: ({ type }) => events.push(type), onComplete: (result) => results.push(result) }),
  );
  expect(shown.current).toMatchObject({ status: "idle", loading: false });
  const input = { model: "bee-tiny", prompt: "What do bees eat?", temperature: 0 };
  const result = await shown.current.submitJob({ operation: "infer", ...input });
  await waitFor(() => expect(shown.current).toMatchObject({ status: "succeeded", loading: false, result }));
  expect(shown.current.text).toBe(result?.text);
  expect(events).toContain("token");
  expect(results).toEqual([result]);
  expect(await shown.current.submitJob({ operation: "model_get", hive_id: "hive", id: "no/such" })).toBeUndefined();
  await waitFor(() => expect(shown.current).toMatchObject({ status: "failed", error: { code: "model_not_found" } }));
});

test("a running job is cancelled, and can be followed by somebody else", async () => {
  const shown = render(() => useJobSubmit());
  const submitted = shown.current.submitJob({ operation: "infer", ...endless });
  await waitFor(() => expect(shown.current.text).not.toBe(""));
  const { jobId } = shown.current;
  const other = render(() => useJob(jobId));
  await waitFor(() => expect(other.current.text).not.toBe(""));
  await shown.current.cancel();
  expect(await submitted).toBeUndefined();
  await waitFor(() => expect(shown.current).toMatchObject({ status: "cancelled", error: undefined, loading: false }));
  await waitFor(() => expect(other.current).toMatchObject({ status: "cancelled", jobId }));
});

test("operations of a hive, by name", async () => {
  const shown = render(() => ({
    hive: useHiveOperations("hive"),
    installed: useOperation("worker_binary_list", { hive_id: "hive" }),
  }));
  const started = await shown.current.hive.spawnWorker({
    modelId: "bee-tiny",
    workerType: "cpu-llm-worker",
    deviceId: "cpu",
    slots: 1,
  });
  expect(started).toMatchObject({ status: "ready" });
  const stopped = await shown.current.hive.stopWorker({ workerId: started?.worker_id ?? "" });
  expect(stopped).toMatchObject({ pid: started?.pid });
  await waitFor(() => expect(shown.current.installed.data?.workers).toBeDefined());
});

test("a chat goes on after the page was loaded anew in mid-answer, and is stopped", async () => {
  const { response_format } = endless;
  const parameters = { temperature: 0, max_tokens: 300, response_format };
  const options = { model: "bee-tiny", storageKey: "chat", parameters };
  const before = render(() => useChat(options));
  void before.current.send("What do bees eat?");
  await waitFor(() => expect(before.current.messages).toHaveLength(2));
  const { jobId } = before.current;
  cleanup();
  const after = render(() => useChat(options));
  await waitFor(() => expect(after.current.messages).toHaveLength(2));
  expect(after.current.messages[0]).toEqual({ role: "user", content: "What do bees eat?" });
  await waitFor(() => expect(after.current).toMatchObject({ streaming: false, jobId }));
  const whole = await client.attach<"infer">(jobId ?? "");
  expect(after.current.messages[1]).toEqual({ role: "assistant", content: whole.text });
  expect(after.current.tokensPerSecond).toBe(whole.timings.tokens_per_s);

  cleanup();
  const longer = render(() => useChat({ ...options, parameters: { ...parameters, max_tokens: endless.max_tokens } }));
  // Frozen from its first word on: it is not through with its answer before it is stopped.
  const engines = workersOf(house.hive("hive").pid);
  freeze(engines);
  const stopped = longer.current.send("And then?");
  await runInSlices(engines, () => (longer.current.messages[3]?.content ?? "") !== "").catch((error: unknown) => {
    thaw(engines);
    throw error;
  });
  const stopping = longer.current.stop();
  thaw(engines);
  await stopping;
  await stopped;
  await waitFor(() => expect(longer.current.messages[3]).toMatchObject({ role: "assistant", ended: "stopped" }));
  await longer.current.clear();
  await waitFor(() => expect(longer.current.messages).toEqual([]));
});

test("a wrong key is said", async () => {
  const shown = render(() => useHeartbeats(), new RbeeClient({ url: house.url, key: "rbk_wrong" }));
  await waitFor(() => expect(shown.current.error).toMatchObject({ code: "unauthorized" }));
});

test("a hive tells of itself on its own server", async () => {
  const local = JSON.parse(readFileSync(join(house.homeOf("hive"), "local.json"), "utf8")) as {
    url: string;
    key: string;
  };
  const shown = render(() => useHeartbeats(), new RbeeClient(local));
  await waitFor(() => expect(shown.current.fleet?.hives).toMatchObject([{ hive_id: "hive", connected: true }]));
  const there = new RbeeClient(local);
  const id = await there.infer({ model: "bee-tiny", prompt: "Hello", max_tokens: 2 }).id;
  await waitFor(() => expect(shown.current.fleet?.jobs[0]).toMatchObject({ job_id: id, state: "succeeded" }));
});

test("a hive that is killed is gone within three seconds", async () => {
  const shown = render(() => useHives());
  const sees = (connected: boolean) =>
    waitFor(() => expect(shown.current.hives).toMatchObject([{ connected }]), { interval: 20 });
  let killed = false;
  await best(GREY_WITHIN_MS, async () => {
    if (killed) await house.startHive("hive");
    await sees(true);
    const began = performance.now();
    await house.hive("hive").kill("SIGKILL");
    killed = true;
    await sees(false);
    return performance.now() - began;
  });
});
