import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { aModel, anInventory } from "./testing/fleets.ts";
import { dataOf, INFER, post, queen, readAll, SseReader, submit, view } from "./testing/queen-client.ts";
import { TestHive, type Lane } from "./testing/test-hive.ts";

const RESULT = { text: "abc", finish_reason: "stop" };

let hive: TestHive;
let hives = 0;

/** A fleet of one for each test; the others' hives are hung up, so no job strays. */
beforeEach(async () => {
  hive = await TestHive.enrol(`hive-${++hives}`);
  return () => hive.hangUp();
});

async function start(body?: Record<string, unknown>) {
  await hive.connect();
  return hive.start(body);
}

const succeed = (lane: Lane, final: number) => lane.end(final, { status: "succeeded", result: RESULT });

describe("one job", () => {
  test("runs from POST to [DONE]: the hive's words reach the reader, ids and all", async () => {
    const { id, op, lane } = await start();
    expect(op).toMatchObject({ operation: "infer", term: 1, worker_id: "worker-llama-9100" });
    const reader = await SseReader.open(id);
    lane.send({ t: "ev", first: 1, items: ["a", "b"] });
    expect(await reader.next()).toEqual({ id: "1.1", data: '[TOKEN] "a"' });
    lane.send({ t: "ev", first: 3, items: ["c"] });
    await succeed(lane, 3);
    expect(dataOf(await reader.rest())).toEqual(['[TOKEN] "b"', '[TOKEN] "c"', JSON.stringify(RESULT), "[DONE]"]);
    expect(await view(id)).toMatchObject({ state: "succeeded", result: RESULT, dispatches: 1, hive_id: hive.hive_id });
    const list = await (await queen("/v1/jobs")).json();
    expect(list).toMatchObject({ jobs: [{ job_id: id, state: "succeeded", model: "bee" }] });
  });

  test("[READ-2] early, second, late and after-the-end readers all see the same", async () => {
    const { id, lane } = await start();
    const early = await SseReader.open(id, "?format=json");
    lane.send({ t: "ev", first: 1, items: ["a"] });
    await early.next();
    const second = await SseReader.open(id, "?format=json");
    lane.send({ t: "ev", first: 2, items: ["b", "c"] });
    await succeed(lane, 3);
    const after = await readAll(id, "?format=json");
    expect(await second.rest()).toEqual(after);
    expect(await early.rest()).toEqual(after.slice(1));
    expect(after.at(-1)).toEqual({ data: "[DONE]" });
  });

  test("[READ-3] a reader goes on behind any event; behind the last there is only [DONE]", async () => {
    const { id, lane } = await start();
    lane.send({ t: "ev", first: 1, items: ["a", "b", "c"] });
    await succeed(lane, 3);
    expect(dataOf(await readAll(id, "?after=1.2"))).toEqual(['[TOKEN] "c"', JSON.stringify(RESULT), "[DONE]"]);
    expect(dataOf(await readAll(id, "?after=1.4"))).toEqual(["[DONE]"]);
  });

  test("[READ-5] a reader who asks for more than there will ever be is told the end", async () => {
    const { id, lane } = await start();
    const reader = await SseReader.open(id, "?after=9.1");
    await succeed(lane, 0);
    expect(dataOf(await reader.rest())).toEqual(["[DONE]"]);
  });

  test("[JOB-1] [LANE-6] what is said behind an end counts for nothing", async () => {
    const { id, lane } = await start();
    const end = { t: "end", final: 1, outcome: { status: "succeeded", result: RESULT } } as const;
    lane.socket.send(
      JSON.stringify([{ t: "ev", first: 1, items: ["a"] }, end, { t: "ev", first: 2, items: ["zombie"] }]),
    );
    expect(dataOf(await readAll(id))).toEqual(['[TOKEN] "a"', JSON.stringify(RESULT), "[DONE]"]);
    expect(await view(id)).toMatchObject({ state: "succeeded", result: RESULT });
  });

  test("[READ-4] a browser that has read everything is told to stop reconnecting", async () => {
    const { id, lane } = await start();
    await succeed(lane, 0);
    const again = await queen(`/v1/jobs/${id}/stream`, { headers: { "last-event-id": "1.1" } });
    expect(again.status).toBe(204);
  });

  test("[LANE-2] [LANE-3] repeats are dropped, a gap is answered with where to go on from", async () => {
    const { id, lane } = await start();
    lane.send({ t: "ev", first: 1, items: ["a"] });
    expect(await lane.next()).toEqual({ t: "ack", acked: 1 });
    lane.send({ t: "ev", first: 1, items: ["a", "b"] });
    lane.send({ t: "ev", first: 5, items: ["lost"] });
    expect(await lane.next()).toEqual({ t: "ready", acked: 1 });
    lane.send({ t: "ev", first: 2, items: ["b", "c"] });
    await succeed(lane, 3);
    expect(dataOf(await readAll(id)).slice(0, 3)).toEqual(['[TOKEN] "a"', '[TOKEN] "b"', '[TOKEN] "c"']);
  });

  test("[LANE-5] an end does not count before everything in front of it is here", async () => {
    const { id, lane } = await start();
    lane.send({ t: "ev", first: 1, items: ["a"] });
    await lane.next();
    lane.send({ t: "end", final: 3, outcome: { status: "succeeded", result: RESULT } });
    expect(await lane.next()).toEqual({ t: "ready", acked: 1 });
    expect((await view(id)).state).toBe("running");
    lane.send({ t: "ev", first: 2, items: ["b", "c"] });
    await succeed(lane, 3);
    expect((await view(id)).state).toBe("succeeded");
  });

  test("eviction in mid-stream: lane and reader stay, nothing is lost or shown twice", async () => {
    const { id, lane } = await start();
    const reader = await SseReader.open(id);
    lane.send({ t: "ev", first: 1, items: ["a"] });
    await lane.next();
    lane.send({ t: "ev", first: 2, items: ["b"] });
    expect(dataOf([(await reader.next())!, (await reader.next())!])).toEqual(['[TOKEN] "a"', '[TOKEN] "b"']);
    await evictDurableObject(env.JOB.getByName(`main/${id}`));
    // "b" was only in memory: the queen asks for it again, and the reader is not shown it a second time.
    lane.send({ t: "ev", first: 3, items: ["c"] });
    expect(await lane.next()).toEqual({ t: "ready", acked: 1 });
    lane.send({ t: "ev", first: 2, items: ["b", "c"] });
    await succeed(lane, 3);
    expect(dataOf(await reader.rest())).toEqual(['[TOKEN] "c"', JSON.stringify(RESULT), "[DONE]"]);
    expect(dataOf(await readAll(id)).slice(0, 3)).toEqual(['[TOKEN] "a"', '[TOKEN] "b"', '[TOKEN] "c"']);
  });

  test("[LANE-1] a lane that broke is taken up again where the queen stands", async () => {
    const { id, op, lane } = await start();
    lane.send({ t: "ev", first: 1, items: ["a"] });
    await lane.next();
    lane.socket.close(1000);
    const again = await hive.lane(op, 3);
    expect(again.acked).toBe(1);
    again.lane.send({ t: "ev", first: 2, items: ["b", "c"] });
    await succeed(again.lane, 3);
    expect((await view(id)).state).toBe("succeeded");
    expect((await hive.dialLane(op)).status).toBe(410);
  });

  test("a failure shows [ERROR] before [DONE], and its problem in the view", async () => {
    const { id, lane } = await start();
    const error = {
      type: "urn:x",
      title: "t",
      status: 502,
      code: "worker_died",
      detail: "boom",
      hint: "h",
      retryable: true,
    } as const;
    lane.send({ t: "end", final: 0, outcome: { status: "failed", error } });
    expect(dataOf(await readAll(id))).toEqual(["[ERROR] worker_died: boom (h)", "[DONE]"]);
    expect(await view(id)).toMatchObject({ state: "failed", error: { code: "worker_died" } });
  });
});

describe("cancelling", () => {
  test("reaches the hive on the lane, and the job ends as the hive says", async () => {
    const { id, lane } = await start();
    const answer = await queen(`/v1/jobs/${id}`, { method: "DELETE" });
    expect(await answer.json()).toEqual({ job_id: id, status: "cancelling" });
    expect(await lane.next()).toEqual({ t: "cancel" });
    lane.send({ t: "end", final: 0, outcome: { status: "cancelled" } });
    expect(dataOf(await readAll(id))).toEqual(["[CANCELLED]", "[DONE]"]);
    const again = await queen(`/v1/jobs/${id}`, { method: "DELETE" });
    expect(await again.json()).toEqual({ job_id: id, status: "cancelled" });
  });

  test("reaches a hive that has no lane yet on its control socket", async () => {
    await hive.connect();
    const id = await submit({ ...INFER, hive_id: hive.hive_id });
    const op = await hive.op();
    await queen(`/v1/jobs/${id}`, { method: "DELETE" });
    expect(await hive.control.next()).toEqual({ t: "cancel", job_id: id, term: op.term });
  });

  test("a queued job ends at once", async () => {
    await hive.connect();
    await hive.hangUp();
    const id = await submit({ ...INFER, hive_id: hive.hive_id });
    await queen(`/v1/jobs/${id}`, { method: "DELETE" });
    expect(dataOf(await readAll(id)).slice(-2)).toEqual(["[CANCELLED]", "[DONE]"]);
  });
});

describe("waiting", () => {
  test("a job waits for its hive with reason and position, and runs when it dials in", async () => {
    await hive.connect();
    await hive.hangUp();
    const id = await submit({ ...INFER, hive_id: hive.hive_id });
    const reader = await SseReader.open(id);
    expect((await reader.next())?.data).toBe(
      "[INFO] Waiting in the queue, position 1: no hive that has bee is connected",
    );
    expect(await view(id)).toMatchObject({ state: "queued", position: 1 });
    await evictDurableObject(env.REGISTRY.getByName("main"));
    await hive.connect();
    const { lane } = await hive.take();
    await succeed(lane, 0);
    expect(dataOf(await reader.rest())).toEqual([`[INFO] Given to ${hive.hive_id}`, JSON.stringify(RESULT), "[DONE]"]);
  });

  test("jobs over the slots wait in order, move up, and take the slot that comes free", async () => {
    await hive.connect();
    const body = { ...INFER, hive_id: hive.hive_id };
    const first = await submit(body);
    await submit(body);
    const third = await submit(body);
    const fourth = await submit(body);
    const op = await hive.op();
    expect(op.job_id).toBe(first);
    await hive.op();
    expect(await view(fourth)).toMatchObject({ state: "queued", position: 2, reason: "every slot of bee is busy" });
    const { lane } = await hive.lane(op);
    await succeed(lane, 0);
    expect((await hive.op()).job_id).toBe(third);
    const reader = await SseReader.open(fourth);
    await reader.next();
    expect((await reader.next())?.data).toContain("position 1");
  });

  test("a refusal sends the job back to the queue, to run elsewhere or later", async () => {
    const { id, lane } = await start();
    const error = {
      type: "urn:x",
      title: "t",
      status: 503,
      code: "draining",
      detail: "bye",
      hint: "h",
      retryable: true,
    } as const;
    lane.send({ t: "end", final: 0, outcome: { status: "refused", error } });
    const op = await hive.op();
    expect(op).toMatchObject({ job_id: id, term: 3 });
    const again = await hive.lane(op);
    again.lane.send({ t: "ev", first: 1, items: ["a"] });
    await succeed(again.lane, 1);
    expect((await readAll(id)).map((event) => event.id)).toEqual(["2.1", "2.2", "2.3", "3.1", "3.2", undefined]);
  });

  test("a hive that comes back without a job gets it again, in a new term", async () => {
    await hive.connect();
    const id = await submit({ ...INFER, hive_id: hive.hive_id });
    await hive.op();
    await hive.connect({ inventory: anInventory(), jobs: [] });
    expect(await hive.op()).toMatchObject({ job_id: id, term: 3 });
  });

  test("a hive that comes back without a job it had begun has lost it, and the reader is told at once", async () => {
    const { id, lane } = await start();
    lane.send({ t: "ev", first: 1, items: ["a"] });
    await lane.next();
    await hive.connect({ inventory: anInventory(), jobs: [] });
    expect(dataOf(await readAll(id))).toEqual(['[TOKEN] "a"', expect.stringMatching(/^\[ERROR\] hive_lost/), "[DONE]"]);
  });
});

describe("submitting twice", () => {
  test("a stream that was refused can be asked for again with the same key", async () => {
    const key = { "idempotency-key": crypto.randomUUID(), accept: "text/event-stream" };
    const body = { ...INFER, model: "late", hive_id: hive.hive_id };
    await hive.connect();
    expect((await post(body, key)).status).toBe(404);
    hive.control.send({ t: "inventory", inventory: anInventory({ models: [aModel({ id: "late" })] }) });
    let again = await post(body, key);
    while (again.status === 404) again = await post(body, key);
    const { lane } = await hive.take();
    await succeed(lane, 0);
    expect(dataOf(await new SseReader(again).rest())).toEqual([JSON.stringify(RESULT), "[DONE]"]);
  });

  test("with one Idempotency-Key is one job; with other input it is refused", async () => {
    await hive.connect();
    const body = { ...INFER, hive_id: hive.hive_id };
    const key = { "idempotency-key": crypto.randomUUID() };
    const [a, b] = await Promise.all([post(body, key), post(body, key)]);
    expect([a.status, b.status].sort()).toEqual([200, 202]);
    expect(await a.json()).toEqual(await b.json());
    const other = await post({ ...body, prompt: "Other" }, key);
    expect([other.status, (await other.json<{ code: string }>()).code]).toEqual([422, "idempotency_conflict"]);
    await hive.op();
  });
});
