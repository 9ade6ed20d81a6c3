import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { LINK_VERSION_MIN, limits, type Inventory, type LaneUp, type Problem } from "@rbee/contracts";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { aModel, anInventory, aWorker } from "./testing/fleets.ts";
import { dataOf, readAll, SseReader, submit, view } from "./testing/queen-client.ts";
import { TestHive, type Lane } from "./testing/test-hive.ts";

/** `on_lost: "continue"`: another hive with the same model goes on behind what was shown. */

let hives = 0;
let model: string;
let one: TestHive;

const has = (digest: string | undefined, id = model): Inventory =>
  anInventory({
    models: [aModel({ id, name: id, ...(digest === undefined ? {} : { digest }) })],
    workers: [aWorker({ model: id })],
  });

async function hiveWith(inventory: Inventory): Promise<TestHive> {
  const hive = await TestHive.enrol(`continues-${++hives}`);
  await hive.connect({ inventory });
  return hive;
}

beforeEach(async () => {
  model = `bee-${++hives}`;
  one = await hiveWith(has("gguf:same"));
});
afterEach(() => {
  vi.useRealTimers();
});

const objectOf = (id: string) => env.JOB.getByName(`main/${id}`);

/** For a machine that is slow: no time passes here but the clock's, which the test sets. */
const GIVEN_UP_MS = 20_000;

/** Each alarm of the job rings when it is due, until the hive's time is up. */
async function giveUpOn(id: string, lane: Lane): Promise<void> {
  lane.socket.close(1011, "reset");
  const before = (await view(id)).dispatches;
  await vi.waitFor(async () => {
    const due = await runInDurableObject(objectOf(id), (_job, state) => state.storage.getAlarm());
    expect(due).toBeLessThanOrEqual(Date.now() + limits.failover_ms);
    vi.useFakeTimers({ toFake: ["Date"], now: due ?? 0 });
    await runDurableObjectAlarm(objectOf(id));
    const { state, dispatches } = await view(id);
    expect(state === "failed" || state === "queued" || dispatches > before).toBe(true);
  }, GIVEN_UP_MS);
}

async function shown(tokens: string[], over: Record<string, unknown> = {}) {
  const id = await submit({ operation: "infer", model, prompt: "Hello", on_lost: "continue", ...over });
  const op = await one.op();
  const { lane } = await one.lane(op);
  for (const [at, token] of tokens.entries()) lane.send({ t: "ev", first: at + 1, items: [token] });
  for (let acked = 0; acked < tokens.length;) {
    const frame = await lane.next();
    if (frame.t === "ack") acked = frame.acked;
  }
  return { id, op, lane };
}

const end = (final: number): LaneUp => ({ t: "end", final, outcome: { status: "succeeded", result: { text: "…" } } });

describe('on_lost: "continue"', () => {
  test("the next hive gets what was shown, and the stream goes on behind it", async () => {
    const { id, op, lane } = await shown(["a", "b", "c"]);
    expect(op.input).not.toHaveProperty("on_lost");
    const reader = await SseReader.open(id, "?format=json");
    const two = await hiveWith(has("gguf:same"));
    await one.hangUp();
    await giveUpOn(id, lane);
    const next = await two.op();
    expect(next).toMatchObject({ job_id: id, term: 3, resume: { tokens: ["a", "b", "c"] } });
    const second = await two.lane(next);
    second.lane.send({ t: "ev", first: 1, items: ["d"] });
    second.lane.send(end(1));
    const events = (await reader.rest()).flatMap(({ data, id }) =>
      data === "[DONE]" || id === undefined ? [] : [JSON.parse(data) as { type: string; text?: string }],
    );
    expect(events.flatMap((event) => (event.type === "token" ? [event.text] : []))).toEqual(["a", "b", "c", "d"]);
    expect(events.filter((event) => event.type === "attempt")).toEqual([
      { type: "attempt", attempt: 2, hive_id: two.hive_id, tokens_kept: 3 },
    ]);
  });

  test("it waits for a hive with the very same model: another file of that name will not do", async () => {
    const { id, lane } = await shown(["a"]);
    await hiveWith(has("gguf:other"));
    const old = await hiveWith(has(undefined));
    await one.hangUp();
    await giveUpOn(id, lane);
    expect(await view(id)).toMatchObject({ state: "queued", reason: expect.stringContaining("the same") as string });
    await old.connect({ inventory: has("gguf:same") });
    expect(await old.op()).toMatchObject({ job_id: id, resume: { tokens: ["a"] } });
  });

  test("a worker that dies under it is as good as a lost hive", async () => {
    const { id, lane } = await shown(["a"]);
    const error: Problem = {
      type: "urn:x",
      title: "t",
      status: 500,
      code: "worker_died",
      detail: "killed",
      hint: "h",
      retryable: true,
    };
    lane.send({ t: "end", final: 1, outcome: { status: "failed", error } });
    expect(await one.op()).toMatchObject({ job_id: id, term: 3, resume: { tokens: ["a"] } });
  });

  test("every token is durable before it is shown: what was read is what the next hive gets", async () => {
    const { lane } = await shown(["a"]);
    lane.send({ t: "ev", first: 2, items: ["b"] });
    expect(await lane.next()).toEqual({ t: "ack", acked: 2 });
  });

  test("an agent one link version behind is served as before, and never asked to continue", async () => {
    const { id, lane } = await shown(["a"]);
    const old = await TestHive.enrol(`continues-${++hives}`);
    await old.connect({ inventory: has(undefined), version: LINK_VERSION_MIN });
    await one.hangUp();
    await giveUpOn(id, lane);
    expect((await view(id)).state).toBe("queued");
    const plain = await submit({ operation: "infer", model, prompt: "Hello", hive_id: old.hive_id });
    const op = await old.op();
    expect(op).toMatchObject({ job_id: plain });
    const second = await old.lane(op);
    second.lane.send({ t: "ev", first: 1, items: ["x"] });
    second.lane.send(end(1));
    expect(dataOf(await readAll(plain))[0]).toBe('[TOKEN] "x"');
  });

  test("without a digest of its model nobody can go on: the error says that the hive was lost", async () => {
    model = `bee-${++hives}`;
    one = await hiveWith(has(undefined));
    const { id, lane } = await shown(["a"]);
    await one.hangUp();
    await giveUpOn(id, lane);
    expect(dataOf(await readAll(id)).at(-2)).toMatch(/^\[ERROR\] hive_lost/);
  });
});
