import { readdir, readFile, truncate } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  beeTiny,
  collect,
  endless,
  failureOf,
  generationOf,
  isGone,
  never,
  newId,
  testHive,
  type TestHive,
} from "./testing.ts";

/** Real processes: started, watched, found again, stopped. */

let hive: TestHive;
beforeEach(async () => {
  hive = await testHive();
});
afterEach(async () => hive.end());

const spawn = async (slots = 1) => hive.supervisor.spawn({ model: "bee-tiny", slots }, { signal: never });

test("spawn, generate, stop; nothing is left", async () => {
  const progress: number[] = [];
  const info = await hive.supervisor.spawn(
    { model: "bee-tiny:f16", slots: 2, context: 300 },
    { signal: never, onProgress: (share) => progress.push(share) },
  );
  expect(info).toMatchObject({
    kind: "llama",
    model: "bee-tiny",
    device: "cpu",
    state: "ready",
    slots: 2,
    context: 300,
  });
  expect(info.worker_id).toBe(`worker-den-${info.port}`);
  expect(hive.supervisor.list()).toEqual([info]);
  expect(hive.supervisor.list().find(({ pid }) => pid === info.pid)).toEqual(info);
  const use = await hive.supervisor.usage(info.pid);
  expect(use?.rss_bytes).toBeGreaterThan(1_000_000);
  const call = { id: newId(), generation: generationOf({ prompt: "Hello!" }) };
  expect((await collect(hive.supervisor.generate(info.worker_id, call, never))).text).toContain("Hello!");
  await hive.supervisor.stop(info.pid);
  expect(await isGone(info.pid)).toBe(true);
  expect(hive.supervisor.list()).toEqual([]);
  expect(await readdir(path.join(hive.home, "workers"))).toEqual([`${info.worker_id}.log`]);
  await expect(hive.supervisor.stop(info.pid)).rejects.toMatchObject({ code: "worker_not_found" });
});

test("a worker that is killed fails what it was doing, with the reason", async () => {
  const { pid, worker_id } = await spawn();
  const stream = hive.supervisor.generate(worker_id, { id: newId(), generation: generationOf(endless) }, never);
  await stream.next();
  process.kill(pid, "SIGKILL");
  const failed = await failureOf(collect(stream));
  expect(failed).toMatchObject({
    code: "worker_died",
    message: expect.stringContaining("was killed by SIGKILL") as string,
  });
  const back = { state: "ready", restarts: 1 };
  await expect.poll(() => hive.supervisor.list(), { timeout: 20_000 }).toMatchObject([back]);
  expect((await spawn()).state).toBe("ready");
});

test("the next agent finds the workers of the last one, and what they were generating", async () => {
  const info = await spawn(2);
  const id = newId();
  const stream = hive.supervisor.generate(
    info.worker_id,
    { id, generation: generationOf({ prompt: "Once upon a time", raw: true }) },
    never,
  );
  const first = (await stream.next()).value;
  await stream.return(undefined as never);
  hive.supervisor.close();
  const next = hive.again();
  await next.adopt();
  expect(next.list()).toEqual([info]);
  const resumed = await collect(next.generate(info.worker_id, { id }, never));
  expect(resumed.pieces[0]).toEqual(first);
  expect(resumed.finish_reason).toBe("stop");
  expect((await next.ensure("bee-tiny", { signal: never })).pid).toBe(info.pid);
  expect((await next.spawn({ model: "bee-tiny", slots: 2 }, { signal: never })).port).not.toBe(info.port);
  await next.stop(info.pid);
  expect(await isGone(info.pid)).toBe(true);
});

test("an adopted worker that is killed says worker_died too, and is started again", async () => {
  const info = await spawn();
  // The agent that started it is gone: it must not start it again as well.
  hive.supervisor.close();
  const next = hive.again();
  await next.adopt();
  const stream = next.generate(info.worker_id, { id: newId(), generation: generationOf(endless) }, never);
  await stream.next();
  process.kill(info.pid, "SIGKILL");
  expect(await failureOf(collect(stream))).toMatchObject({ code: "worker_died" });
  await expect.poll(() => next.list(), { timeout: 20_000 }).toMatchObject([{ state: "ready", restarts: 1 }]);
});

test("a damaged model is refused before an engine sees it; one only the engine can judge fails the job with its words", async () => {
  const good = await readFile(beeTiny);
  await hive.addModel("truncated", good.subarray(0, 1_500_000));
  await hive.addModel("garbage", Buffer.from("GGUF and then nothing that makes sense".repeat(100)));
  // A well-formed header that asks for an architecture no engine knows.
  const foreign = Buffer.from(good);
  foreign.write("xlama", foreign.indexOf("llama", foreign.indexOf("general.architecture")));
  await hive.addModel("foreign", foreign);
  const failed = async (model: string) => failureOf(hive.supervisor.spawn({ model }, { signal: never }));
  expect(await failed("truncated")).toMatchObject({ code: "model_invalid" });
  expect(await failed("garbage")).toMatchObject({ code: "model_invalid" });
  const judged = await failed("foreign");
  expect(judged.code).toBe("model_load_failed");
  expect(judged.message).toContain("exited with code 1");
  expect(judged.message.split("\n").length).toBeGreaterThan(1);
  expect(hive.supervisor.list()).toEqual([]);
  expect((await spawn()).state).toBe("ready");
});

test("a file that is cut off after it was checked fails the job, and the agent lives on", async () => {
  const file = await hive.addModel("shrinking");
  await hive.catalogue.resolve("shrinking");
  const { catalogue } = hive;
  const late = {
    resolve: async (id: string) => {
      const model = await catalogue.resolve(id);
      await truncate(file, 200_000);
      return model;
    },
  };
  const deceived = await testHive({ catalogue: late });
  // The supervisor asks twice; the second answer comes from what was read before the cut.
  const failed = await failureOf(deceived.supervisor.spawn({ model: "shrinking" }, { signal: never }));
  expect(["model_load_failed", "model_invalid"]).toContain(failed.code);
  await deceived.end();
});
