import { narrate, type HandlerEvent } from "@rbee/contracts";
import { spawn as spawnProcess } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { best } from "../../../contracts/src/testing/late.ts";
import { build } from "../binaries/build.ts";
import { bundledSource } from "../binaries/packages.ts";
import { EngineStore } from "../binaries/store.ts";
import {
  beeTiny,
  collect,
  endless,
  failureOf,
  generationOf,
  isGone,
  never,
  newId,
  rawWorker,
  testHive,
  type TestHive,
} from "./testing.ts";

/**
 * Workers of kind llama-server. RBEE_TEST_LLAMA_SERVER names a program that was built: then it is tested with that too.
 * RBEE_TEST_BUILD=1 builds it first, in the home that RBEE_TEST_HOME names; that takes minutes.
 */

const real = process.env["RBEE_TEST_LLAMA_SERVER"];
let hive: TestHive;
beforeEach(async () => {
  hive = await testHive();
});
afterEach(async () => hive.end());

async function install(program: string | undefined): Promise<void> {
  const version = bundledSource()?.version ?? "";
  const folder = path.join(hive.home, "binaries", `llama-server-${version}`);
  const place = path.join(folder, "content", "llama-server");
  await mkdir(path.dirname(place), { recursive: true });
  const manifest = { worker_type: "llama-server", version, size_bytes: 1, backend: "cpu" };
  await writeFile(path.join(folder, "manifest.json"), JSON.stringify(manifest));
  if (program !== undefined) return await copyFile(program, place);
  const script = fileURLToPath(new URL("testing-llama-server.ts", import.meta.url));
  await writeFile(place, `#!/bin/sh\nexec "${process.execPath}" "${script}" "$@"\n`, { mode: 0o755 });
}

const spawn = async (model = "bee-tiny") =>
  hive.supervisor.spawn({ model, kind: "llama-server", slots: 2, context: 512 }, { signal: never });
const start = (worker_id: string, fields: Parameters<typeof generationOf>[0]) =>
  hive.supervisor.generate(worker_id, { id: newId(), generation: generationOf(fields) }, never);
const familyOf = async (pid: number) => (await hive.supervisor.usage(pid))?.pids ?? [];
const inTime = { timeout: 20_000 };
/** An engine that nobody wants any more works on for no longer. */
const IDLE_WITHIN_MS = 1_000;

test("one that is not built is not started", async () => {
  expect(await failureOf(spawn())).toMatchObject({ code: "unsupported" });
});

const stand = { called: "a stand-in", program: undefined };
const programs = [stand, ...(real === undefined ? [] : [{ called: "the real one", program: real }])];

describe.skipIf(process.platform === "win32").each(programs)("$called", ({ program }) => {
  beforeEach(async () => install(program));

  test("is spawned, streams, and ends with its worker", async () => {
    const info = await spawn();
    expect(info).toMatchObject({ kind: "llama-server", device: "cpu", state: "ready" });
    const answer = await collect(start(info.worker_id, { prompt: "Once upon a time", raw: true, max_tokens: 30 }));
    expect(answer.finish_reason).toBe("length");
    expect(answer.usage.completion_tokens).toBe(30);
    const family = await familyOf(info.pid);
    if (process.platform === "linux") expect(family).toHaveLength(2);
    await hive.supervisor.stop(info.pid);
    for (const pid of family) expect(await isGone(pid)).toBe(true);
  });

  test.runIf(process.platform === "linux")(
    "is killed with a worker that is killed, and comes back with it",
    async () => {
      const info = await spawn();
      const family = await familyOf(info.pid);
      process.kill(info.pid, "SIGKILL");
      for (const pid of family) await expect.poll(async () => isGone(pid), inTime).toBe(true);
      await expect.poll(() => hive.supervisor.list(), inTime).toMatchObject([{ state: "ready", restarts: 1 }]);
    },
  );

  test.runIf(process.platform === "linux")("takes its worker with it when it dies itself; what ran fails", async () => {
    const info = await spawn();
    const stream = start(info.worker_id, { ...endless, max_tokens: 30_000 });
    await stream.next();
    const [, engine = 0] = await familyOf(info.pid);
    process.kill(engine, "SIGKILL");
    expect(await failureOf(collect(stream))).toMatchObject({ code: "worker_died" });
    await expect.poll(() => hive.supervisor.list(), inTime).toMatchObject([{ state: "ready", restarts: 1 }]);
  });

  test("stops at once when its generation is cancelled", async () => {
    const info = await spawn();
    const raw = await rawWorker(hive.home, info.worker_id);
    const generation = generationOf({ prompt: "Once upon a time", raw: true, max_tokens: 30_000 });
    await best(IDLE_WITHIN_MS, async () => {
      const cancel = new AbortController();
      const stream = hive.supervisor.generate(info.worker_id, { id: newId(), generation }, cancel.signal);
      await stream.next();
      cancel.abort(new Error("not now"));
      await failureOf(collect(stream));
      const begun = performance.now();
      await expect.poll(async () => (await raw.health()).slots_busy, { interval: 10 }).toBe(0);
      return performance.now() - begun;
    });
  });

  test.runIf(process.platform === "linux")("is told its key where only its owner can see it", async () => {
    const info = await spawn();
    const [, engine = 0] = await familyOf(info.pid);
    const seen = await readFile(`/proc/${engine}/cmdline`, "utf8");
    const [, key = ""] = /LLAMA_API_KEY=([^\0]+)/.exec(await readFile(`/proc/${engine}/environ`, "utf8")) ?? [];
    expect(key.length).toBeGreaterThan(40);
    expect(seen).not.toContain(key);
    expect(seen).toContain("127.0.0.1");
  });

  test("says its last words when it cannot load the model", async () => {
    const bytes = await readFile(beeTiny);
    // A well-formed header that asks for an architecture no engine knows.
    bytes.write("xlama", bytes.indexOf("llama", bytes.indexOf("general.architecture")));
    await hive.addModel("broken", bytes);
    const failed = await failureOf(spawn("broken"));
    expect(failed.code).toBe("model_load_failed");
    expect(failed.message).toMatch(/failed to load model/);
  });

  test.runIf(program !== undefined && process.platform !== "win32")(
    "is a server to attach to like any other",
    async () => {
      const started = spawnProcess(program ?? "", [
        "-m",
        beeTiny,
        "--alias",
        "bees",
        "--port",
        "0",
        "-np",
        "2",
        "-c",
        "1024",
        "-t",
        "1",
      ]);
      const said = createInterface({ input: started.stderr });
      const url = await new Promise<string>((resolve) =>
        said.on("line", (line) => {
          const found = /listening on (http:\S+)/.exec(line)?.[1];
          if (found !== undefined) resolve(found);
        }),
      );
      const request = { model: "bees", kind: "openai" as const, url: `${url}/v1`, slots: 2 };
      const { worker_id, pid } = await hive.supervisor.spawn(request, { signal: never });
      const answer = await collect(start(worker_id, { prompt: "What do bees eat?" }));
      expect(answer.text).toBe("Bees eat nectar and pollen from flowers. In the winter they eat honey.");
      expect(answer.usage).toMatchObject({ prompt_tokens: 10, completion_tokens: 20 });
      await hive.supervisor.stop(pid);
      expect((await fetch(`${url}/health`)).ok).toBe(true);
      started.kill();
      await once(started, "exit");
    },
  );

  test.runIf(program !== undefined)("answers as our own worker does", async () => {
    const [ours, theirs] = [await hive.supervisor.spawn({ model: "bee-tiny" }, { signal: never }), await spawn()];
    for (const fields of [{ prompt: "What do bees eat?" }, { prompt: "Once upon a time", raw: true, max_tokens: 64 }]) {
      const answers = [ours, theirs].map(async ({ worker_id }) => collect(start(worker_id, fields)));
      const [one, two] = await Promise.all(answers);
      expect(two?.text).toBe(one?.text);
      expect(two?.usage.prompt_tokens).toBe(one?.usage.prompt_tokens);
    }
    const tooLong = failureOf(collect(start(theirs.worker_id, { prompt: "bee ".repeat(3_000) })));
    expect(await tooLong).toMatchObject({ code: "context_length_exceeded" });
    const schema = { type: "object", properties: { bee: { type: "boolean" } }, required: ["bee"] };
    const format = { prompt: "A bee", response_format: { type: "json_schema" as const, schema } };
    expect(JSON.parse((await collect(start(theirs.worker_id, format))).text)).toEqual({
      bee: expect.any(Boolean) as boolean,
    });
  });
});

test.runIf(process.env["RBEE_TEST_BUILD"] === "1")("the real build", { timeout: 3_600_000 }, async () => {
  const store = new EngineStore(process.env["RBEE_TEST_HOME"] ?? hive.home);
  const steps = build(store, { backend: "cpu", jobs: 2 }, never);
  const events: HandlerEvent[] = [];
  for (;;) {
    const next = await steps.next();
    if (next.done === true) {
      expect(next.value).toMatchObject({ worker_type: "llama-server", version: bundledSource()?.version });
      break;
    }
    events.push(next.value);
  }
  expect(events).toContainEqual(narrate("hive", "build_step", "Configuring"));
});
