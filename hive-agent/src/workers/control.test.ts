import type { Generation } from "@rbee/contracts";
import http from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { best } from "../../../contracts/src/testing/late.ts";
import {
  collect,
  endless,
  failureOf,
  generationOf,
  longPrompt,
  never,
  newId,
  rawWorker,
  testHive,
  type TestHive,
} from "./testing.ts";

/** Stopping, leaving and finding again what a worker generates. */

const SLOTS = 2;
/** An engine that nobody wants any more works on for no longer. */
const IDLE_WITHIN_MS = 1_000;
let hive: TestHive;
let worker: string;
let raw: Awaited<ReturnType<typeof rawWorker>>;
beforeAll(async () => {
  hive = await testHive();
  worker = (await hive.supervisor.spawn({ model: "bee-tiny", slots: SLOTS }, { signal: never })).worker_id;
  raw = await rawWorker(hive.home, worker);
});
afterAll(async () => hive.end());

const start = (fields: Partial<Generation>, options: { id?: string; signal?: AbortSignal } = {}) =>
  hive.supervisor.generate(
    worker,
    { id: options.id ?? newId(), generation: generationOf(fields) },
    options.signal ?? never,
  );
const generate = async (fields: Partial<Generation>) => collect(start(fields));
const busy = async () => (await raw.health()).slots_busy;
/** How long until nothing is worked on, from now. */
async function idle(): Promise<number> {
  const begun = performance.now();
  await expect.poll(busy, { interval: 10 }).toBe(0);
  return performance.now() - begun;
}
const testIdle = (name: string, leave: () => Promise<void>) =>
  test(name, () =>
    best(IDLE_WITHIN_MS, async () => {
      await leave();
      return idle();
    }),
  );

testIdle("cancel while streaming stops the engine", async () => {
  const cancel = new AbortController();
  const stream = start(endless, { signal: cancel.signal });
  await stream.next();
  cancel.abort(new Error("enough"));
  expect((await failureOf(collect(stream))).message).toBe("enough");
});

testIdle("cancel while the prompt is evaluated", async () => {
  const cancel = new AbortController();
  const stream = start({ ...endless, prompt: longPrompt(1_000), raw: true }, { signal: cancel.signal });
  const failed = failureOf(collect(stream));
  await expect.poll(busy, { interval: 1, timeout: 20_000 }).toBe(1);
  cancel.abort(new Error("too long"));
  expect((await failed).message).toBe("too long");
});

testIdle("cancel while waiting for a slot", async () => {
  const holders = Array.from({ length: SLOTS }, () => ({ id: newId(), cancel: new AbortController() }));
  const running = holders.map(({ id, cancel }) => start(endless, { id, signal: cancel.signal }));
  await Promise.all(running.map(async (stream) => stream.next()));
  const cancel = new AbortController();
  const id = newId();
  const waiting = failureOf(collect(start({ prompt: "Hello!" }, { id, signal: cancel.signal })));
  await expect.poll(async () => raw.knows(id), { timeout: 20_000 }).toBe(true);
  cancel.abort(new Error("left the queue"));
  expect((await waiting).message).toBe("left the queue");
  expect(await raw.knows(id)).toBe(false);
  expect(await busy()).toBe(SLOTS);
  for (const holder of holders) holder.cancel.abort(new Error("done"));
  for (const stream of running) await failureOf(collect(stream));
});

test("a reader that went away finds every frame again, the same ones", async () => {
  const id = newId();
  const stream = start({ prompt: "Once upon a time", raw: true }, { id });
  const seen = [(await stream.next()).value, (await stream.next()).value];
  await stream.return(undefined as never);
  const again = await collect(hive.supervisor.generate(worker, { id }, never));
  expect(again.pieces.slice(0, 2)).toEqual(seen);
  const whole = await generate({ prompt: "Once upon a time", raw: true });
  expect(again.frames).toEqual(whole.frames);
  expect(again.usage).toMatchObject({ completion_tokens: whole.usage.completion_tokens });
  // Its end was delivered, so the worker has forgotten it.
  await expect.poll(async () => raw.knows(id), { timeout: 20_000 }).toBe(false);
  const gone = await failureOf(collect(hive.supervisor.generate(worker, { id }, never)));
  expect(gone.code).toBe("not_found");
});

test("asking twice with one id generates once", async () => {
  const id = newId();
  const fields = { prompt: "Once upon a time", raw: true, temperature: 1 };
  const [one, two] = await Promise.all([collect(start(fields, { id })), collect(start(fields, { id }))]);
  expect(one.frames).toEqual(two.frames);
});

test("over HTTP: frames count from 1, `after` skips, and nobody else is let in", async () => {
  const id = newId();
  const body = { id, generation: { prompt: "Hello!", temperature: 0 } };
  const framesOf = async (response: Response) =>
    (await response.text())
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { n: number; text?: string; end?: unknown });
  const all = await framesOf(await raw.ask("POST", "/generations", { body }));
  expect(all.map(({ n }) => n)).toEqual(all.map((_, index) => index + 1));
  expect(all.at(-1)?.end).toBeDefined();
  expect(all.slice(0, -1).every(({ text }) => text !== undefined && text !== "")).toBe(true);
  expect(await framesOf(await raw.ask("GET", `/generations/${id}?after=5`))).toEqual(all.slice(5));
  expect((await raw.ask("GET", `/generations/${id}?after=999`)).status).toBe(400);
  expect((await raw.ask("GET", `/generations/${id}?after=x`)).status).toBe(400);
  expect((await raw.ask("GET", "/health", { token: "wrong" })).status).toBe(401);
  expect((await raw.ask("GET", "/nothing")).status).toBe(404);
  expect((await raw.ask("PUT", `/generations/${id}`)).status).toBe(405);
  expect((await raw.ask("POST", "/generations", { body: { id: "../x", generation: {} } })).status).toBe(400);
  expect((await raw.ask("DELETE", `/generations/${id}`)).status).toBe(204);
  expect((await raw.ask("DELETE", `/generations/${id}`)).status).toBe(204);
});

test("a page that rebinds its own name to this machine is refused", async () => {
  const status = await new Promise((resolve, reject) => {
    const headers = { host: "evil.example", authorization: `Bearer ${raw.token}` };
    http
      .get({ host: "127.0.0.1", port: raw.port, path: "/health", headers }, ({ statusCode }) => resolve(statusCode))
      .on("error", reject);
  });
  expect(status).toBe(403);
});
