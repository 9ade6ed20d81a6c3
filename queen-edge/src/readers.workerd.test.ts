import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { limits } from "@rbee/contracts";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { readerStream } from "./http/reader-stream.ts";
import { readerCloses } from "./reader-socket.ts";
import { dataOf, post, queen, readAll, SseReader, view } from "./testing/queen-client.ts";
import { TestHive, type Lane } from "./testing/test-hive.ts";

const RESULT = { text: "", finish_reason: "stop" };
/** Far more than a window holds. */
const FRAMES = 40;
const ITEMS = 200;

let hive: TestHive;
let hives = 0;

beforeEach(async () => {
  hive = await TestHive.enrol(`reader-hive-${++hives}`);
  await hive.connect();
  return () => hive.hangUp();
});

/** Sends much and waits until the queen has it all. */
async function pour(lane: Lane, from = 1): Promise<void> {
  const items = Array.from({ length: ITEMS }, (_, n) => `${n} ${"x".repeat(200)}`);
  for (let n = 0; n < FRAMES; n++) lane.send({ t: "ev", first: from + n * ITEMS, items });
  const last = from + FRAMES * ITEMS - 1;
  lane.send({ t: "flush" });
  for (;;) {
    const frame = await lane.next();
    if (frame.t === "ack" && frame.acked === last) return;
  }
}

const end = (lane: Lane, final: number) => lane.end(final, { status: "succeeded", result: RESULT });

interface Held {
  readonly unconfirmed: number;
  readonly behind: boolean;
}

/** What the job's object keeps of its readers. */
const readersOf = (id: string): Promise<Held[]> =>
  runInDurableObject(env.JOB.getByName(`main/${id}`), (_object, ctx) =>
    ctx.getWebSockets("reader").map((ws) => ws.deserializeAttachment() as Held),
  );

/** Room for less than one message. */
const WINDOW_CHARS = 100;

/** The lane's end has reached the job; then the clock moves to when readers are to be told. */
async function awayIsDue(id: string): Promise<void> {
  const alarm = () => runInDurableObject(env.JOB.getByName(`main/${id}`), (_job, state) => state.storage.getAlarm());
  await expect.poll(async () => ((await alarm()) ?? Infinity) - Date.now()).toBeLessThanOrEqual(limits.away_notice_ms);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + limits.away_notice_ms });
}

/** The largest message that one frame of a lane makes for a reader. */
const MESSAGE_CHARS = ITEMS * 260;

describe("[READ-6] a reader that does not keep up", () => {
  afterEach(() => vi.useRealTimers());

  test("is sent a window's worth and no more; then it goes on from the log, and misses nothing", async () => {
    const { id, lane } = await hive.start();
    const slow = await SseReader.open(id);
    const quick = SseReader.open(id).then((reader) => reader.rest());
    await pour(lane);
    const held = (await readersOf(id)).find(({ behind }) => behind);
    expect(held?.unconfirmed).toBeLessThan(limits.reader_window_chars + MESSAGE_CHARS);
    await end(lane, FRAMES * ITEMS);
    const whole = await readAll(id);
    expect(whole).toHaveLength(FRAMES * ITEMS + 2);
    expect(await quick).toEqual(whole);
    expect(await slow.rest()).toEqual(whole);
  });

  test("is shown what comes live again once it has caught up", async () => {
    const { id, lane } = await hive.start();
    const slow = await SseReader.open(id);
    await pour(lane);
    expect(await readersOf(id)).toMatchObject([{ behind: true }]);
    for (let n = 0; n < FRAMES * ITEMS; n++) await slow.next();
    lane.send({ t: "ev", first: FRAMES * ITEMS + 1, items: ["live"] });
    expect((await slow.next())?.data).toBe('[TOKEN] "live"');
  });

  test("is sent no notice beyond its window either", async () => {
    const { id, lane } = await hive.start();
    const { webSocket } = await env.JOB.getByName(`main/${id}`).fetch(
      `https://job/reader?key_id=owner&window=${WINDOW_CHARS}`,
      {
        headers: { upgrade: "websocket" },
      },
    );
    const received: string[] = [];
    webSocket?.addEventListener("message", ({ data }) => void received.push(String(data)));
    webSocket?.accept();
    const quick = await SseReader.open(id);
    // As much as the window holds, but nothing that was held back: it is not behind yet.
    lane.send({ t: "ev", first: 1, items: ["x".repeat(WINDOW_CHARS)] });
    await quick.next();
    expect(await readersOf(id)).toContainEqual(expect.objectContaining({ window: WINDOW_CHARS, behind: false }));
    lane.socket.close(1011, "reset");
    await awayIsDue(id);
    await runDurableObjectAlarm(env.JOB.getByName(`main/${id}`));
    expect((await quick.next())?.data).toMatch(/is away/);
    expect(await readersOf(id)).toContainEqual(expect.objectContaining({ window: WINDOW_CHARS, behind: false }));
    expect(received).toHaveLength(1);
  });

  test("is not forgotten when the object is evicted meanwhile", async () => {
    const { id, lane } = await hive.start();
    const slow = await SseReader.open(id);
    await pour(lane);
    await evictDurableObject(env.JOB.getByName(`main/${id}`));
    await end(lane, FRAMES * ITEMS);
    expect(await slow.rest()).toEqual(await readAll(id));
  });

  test("gets a long log from the start the same way", async () => {
    const { id, lane } = await hive.start();
    await pour(lane);
    const late = await SseReader.open(id);
    expect((await readersOf(id))[0]?.unconfirmed).toBeLessThan(limits.reader_window_chars + MESSAGE_CHARS);
    await end(lane, FRAMES * ITEMS);
    expect(dataOf(await late.rest()).slice(-2)).toEqual([JSON.stringify(RESULT), "[DONE]"]);
  });
});

describe("a client that takes nothing", () => {
  afterEach(() => vi.useRealTimers());

  test("is cut off after a long while, one that waits is not", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "Date"] });
    const { 0: near, 1: far } = new WebSocketPair();
    const signal = new AbortController().signal;
    const response = readerStream(near, { signal });
    far.accept();
    const closed = new Promise<number>((resolve) => far.addEventListener("close", ({ code }) => resolve(code)));
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toContain("retry:");
    await vi.advanceTimersByTimeAsync(limits.sse_keepalive_ms);
    expect((await reader.read()).value).toBe(": keep-alive\n\n");
    await vi.advanceTimersByTimeAsync(2 * limits.reader_stall_ms);
    expect(await closed).toBe(readerCloses.left.code);
  });
});

describe("a client's leaving", () => {
  const CANCEL = "?on_disconnect=cancel";

  test("cancels the job when it asked for that, whoever else reads", async () => {
    const { id, lane } = await hive.start();
    const other = await SseReader.open(id);
    const reader = await SseReader.open(id, CANCEL);
    lane.send({ t: "ev", first: 1, items: ["a"] });
    await reader.next();
    await reader.close();
    lane.send({ t: "ev", first: 2, items: ["b"] });
    for (let frame = await lane.next(); frame.t !== "cancel";) frame = await lane.next();
    lane.send({ t: "end", final: 2, outcome: { status: "cancelled" } });
    expect(dataOf(await other.rest()).slice(-2)).toEqual(["[CANCELLED]", "[DONE]"]);
  });

  test("cancels nothing otherwise, also when another reader asked for it", async () => {
    const { id, lane } = await hive.start();
    const asked = await SseReader.open(id, CANCEL);
    const reader = await SseReader.open(id);
    lane.send({ t: "ev", first: 1, items: ["a"] });
    await reader.next();
    await reader.close();
    // The object learns of it before it is asked what the job is.
    for (let n = 2; (await readersOf(id)).length > 1; n++) lane.send({ t: "ev", first: n, items: ["b"] });
    expect(await view(id)).toMatchObject({ state: "running", cancelling: false });
    await asked.close();
  });

  test("cancels a job that was submitted with the stream", async () => {
    const body = { operation: "infer", model: "bee", prompt: "Hello", hive_id: hive.hive_id };
    const response = await queen(`/v1/jobs${CANCEL}`, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { accept: "text/event-stream" },
    });
    const { lane } = await hive.take();
    const reader = new SseReader(response);
    lane.send({ t: "ev", first: 1, items: ["a"] });
    await reader.next();
    await reader.close();
    lane.send({ t: "ev", first: 2, items: ["b"] });
    for (let frame = await lane.next(); frame.t !== "cancel";) frame = await lane.next();
  });

  test("what cannot be kept is refused", async () => {
    const wrong = await queen(`/v1/jobs/job_${"a".repeat(26)}/stream?on_disconnect=explode`);
    expect([wrong.status, await wrong.json()]).toMatchObject([400, { code: "invalid_input" }]);
    const body = { operation: "infer", model: "bee", prompt: "Hello" };
    const noStream = await queen(`/v1/jobs${CANCEL}`, { method: "POST", body: JSON.stringify(body) });
    expect([noStream.status, await noStream.json()]).toMatchObject([400, { code: "invalid_input" }]);
    expect((await post(body, { accept: "text/plain" })).status).not.toBe(400);
  });
});
